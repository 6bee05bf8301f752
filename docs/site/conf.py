"""The pages of this repository as a site: `make docs` writes it to build/docs. Why Sphinx: ADR 0035.

Read from the repository's root, so that a link means the same on a code host and on the site. `-W` makes a dead link or
anchor, and a page that the contents leave out, an error.
"""

project = "call-export"
language = "ru"  # of buttons and search; pages keep their own
extensions = ["myst_parser"]
root_doc = "docs/site/index"
include_patterns = [
    "README.md", "README.ru.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**",
    "deploy/kubernetes/README.md",
]  # fmt: skip
exclude_patterns = [".*", "var", "build", "include", "plugins", "tests", "trials", "simulators"]
myst_heading_anchors = 4  # GitHub's names of headings
myst_enable_extensions = ["linkify"]
suppress_warnings = ["misc.highlighting_failure"]  # `http` with an ellipsis, `mermaid`
html_theme = "furo"
html_title = "call-export"
templates_path = ["templates"]
html_additional_pages = {"index": "to_contents.html"}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
