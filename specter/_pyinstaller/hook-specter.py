"""Takes all modules of both runtimes into a frozen application, and the files that they read."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules


def serves(module: str) -> bool:
    """Whether a module is not for tests alone: those would bring pytest along."""
    return not any(part in ("testing", "_testing") for part in module.split("."))


hiddenimports = [*collect_submodules("specter", filter=serves), *collect_submodules("specter_gevent", filter=serves)]
datas = collect_data_files("specter")
