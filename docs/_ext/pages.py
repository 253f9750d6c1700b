"""All pictures and fragments of the pages, made before these are read.

    python docs/_ext/pages.py

makes them without a build of the pages, and brings the README up to date.
"""

# Modules that draw and write, of which each registers what it has.
import comparisons
import defaults
import explanations
import extreme
import gains
import growth
import hashing
import memory
import neighbors
import pictures
import readme
import replicas
import reports
import streams
import threads

CONTENTS = [
    comparisons,
    defaults,
    explanations,
    extreme,
    gains,
    growth,
    hashing,
    memory,
    neighbors,
    replicas,
    streams,
    threads,
]


def make(app=None):
    """Draw all pictures and write all fragments."""
    pictures.draw_all()
    reports.write_all()


def setup(app):
    """Tell Sphinx."""
    app.add_directive("picture", pictures.PictureDirective)
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    make()
    readme.update()
