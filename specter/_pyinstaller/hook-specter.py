"""Takes all modules of both runtimes into a frozen application, and the files that they read."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = [*collect_submodules("specter"), *collect_submodules("specter_gevent")]
datas = collect_data_files("specter")
