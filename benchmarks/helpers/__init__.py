"""What several studies use. None of it is a study, and none of it is run by itself.

`report` has the options and the JSON file, `training` networks under a clock, `processes` and
`matrices` runs in processes of their own, `measures` single figures; the rest are data and the
opponents. Nothing is imported here: `opponents` runs where there is little else than NumPy.
"""
