"""Sphinx: the guide is Markdown, the reference comes from the docstrings."""

import specter

project = "Specter"
copyright = "the Specter authors"
release = specter.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "Specter"

default_role = "py:obj"
autodoc_default_options = {"members": True, "inherited-members": False, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Source", "notes_style")]
myst_heading_anchors = 3
# The guide links to files of the repository that are no pages of it.
suppress_warnings = ["myst.xref_missing"]
