"""What screen readers miss in the pages that Sphinx and sphinx-gallery write."""

import re

# A thumbnail's link has a name that is hidden, because the thumbnail shows it elsewhere.
THUMBNAIL = re.compile(r'(<a class="reference internal" href="[^"]*")(><span class="doc">([^<]*)<)')


def mend(app, page, template, context, doctree):
    """Name links of thumbnails; take away a list's role where its children are no items."""
    body = context.get("body", "")
    if "sphx-glr-thumbcontainer" in body:
        body = THUMBNAIL.sub(r'\1 aria-label="\3"\2', body)
    context["body"] = body.replace('<div role="list" class="citation-list">', "<div>")


def setup(app):
    """Mend each page before it is written."""
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
