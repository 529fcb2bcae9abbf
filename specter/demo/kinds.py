"""What kind of file a name stands for."""

from __future__ import annotations

from pathlib import PurePosixPath

OTHER = "Other"

_SUFFIXES = {
    "Python": "py pyi pyw pyx ipynb",
    "JavaScript": "js mjs cjs jsx",
    "TypeScript": "ts tsx mts cts",
    "HTML": "html htm xhtml vue svelte jinja j2",
    "CSS": "css scss sass less",
    "C and C++": "c h cc cpp cxx hh hpp hxx",
    "Rust": "rs",
    "Go": "go",
    "Java": "java kt kts scala groovy",
    "Shell": "sh bash zsh fish ps1 bat cmd",
    "Text": "txt md rst adoc tex log org",
    "Data": "json jsonl csv tsv xml sql sqlite db parquet npy",
    "Settings": "toml yaml yml ini cfg conf env lock properties",
    "Image": "png jpg jpeg gif webp avif svg ico bmp tif tiff heic psd",
    "Sound": "mp3 wav ogg flac m4a opus aac",
    "Video": "mp4 mkv webm mov avi m4v",
    "Font": "woff woff2 ttf otf",
    "Document": "pdf doc docx odt xls xlsx ods ppt pptx odp epub",
    "Archive": "zip tar gz bz2 xz zst 7z rar whl jar",
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {
    "makefile": "Shell",
    "dockerfile": "Shell",
    "readme": "Text",
    "license": "Text",
    ".gitignore": "Settings",
    ".editorconfig": "Settings",
}


def kind_of(path: str) -> str:
    """Return the kind of a file by its name alone: its suffix, whatever its case, or a well-known name."""
    name = PurePosixPath(path).name.lower()
    return _BY_NAME.get(name) or _BY_SUFFIX.get(name.rpartition(".")[2] if "." in name else "", OTHER)
