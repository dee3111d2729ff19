"""The site that `make docs` builds: pages, the API from docstrings, the gallery from examples. Nothing is downloaded."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import p31mg

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_extensions"))

from gallery_sources import gallery_sources  # noqa: E402

warnings.filterwarnings("error", module=r"p31mg")

project = "p31mg"
author = "The p31mg authors"
copyright = "2026, the p31mg authors"
version = release = p31mg.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
    "mathml",
    "from_sources",
]
exclude_patterns = [
    "_build",
    "gallery-header.rst",
    "**/GALLERY_HEADER.rst",
    "sg_execution_times.rst",
    "**/sg_execution_times.rst",
]
templates_path = ["_templates"]
default_role = "py:obj"
nitpicky = False  # single backticks in docstrings name parameters too
add_module_names = False
python_maximum_signature_line_length = 90
smartquotes = False  # options of commands begin with two hyphens
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

autosummary_generate = True
autodoc_typehints = "signature"
autodoc_type_aliases = {
    name: name for name in ("FloatArray", "ComplexArray", "IntArray", "BoolArray", "AnyCalibration")
}
autodoc_type_aliases["npt.ArrayLike"] = "ArrayLike"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False
plot_formats = [("svg", 100)]
plot_rcparams = {"svg.fonttype": "none", "svg.hashsalt": "p31mg"}
plot_basedir = str(DOCS / "figures")

sphinx_gallery_conf = {
    "examples_dirs": [gallery_sources(DOCS.parent / "examples", DOCS / "_build" / "examples")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"plot_\w+\.py",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("p31mg",),
    "reference_url": {"p31mg": None},
    "backreferences_dir": "reference/backreferences",
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 0,
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "p31mg"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "p31mg", "alt_text": "p31mg"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["footer"],
    "footer_end": [],
    "article_footer_items": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": [], "quickstart": [], "gallery/index": []}
