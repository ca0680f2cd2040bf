"""The import graph of the components' ES modules, and a bundler that makes one script of them.

A browser loads modules by their URLs. Where the host does not serve them, each component is one
script instead: each module becomes a function scope that returns its exports.

Modules are files of this folder. They import one another by name and without cycles, each import is
a statement of its own, and exports are marked where functions, classes and constants are declared.
The style of a component is the module `<name>.css.js`, made from `<name>.css`.
"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORT = re.compile(
    r'^import (?:(?P<default>\w+)|\{(?P<names>[^}]*)\}) from "\./(?P<file>[\w.]+)";$', re.MULTILINE
)
_EXPORT = re.compile(
    r"^export (?:(?P<default>default )|(?:async )?(?:function|class|const) (?P<name>\w+))",
    re.MULTILINE,
)
_STATEMENT = re.compile(r"^\s*(?:import|export)\b.*", re.MULTILINE)


def source(file: str) -> str:
    """The text of a module. Raises OSError where there is no such file."""
    if file.endswith(".css.js"):
        style = (FOLDER / file.removesuffix(".js")).read_text(encoding="utf-8")
        return f"export default {json.dumps(style)};\n"
    return (FOLDER / file).read_text(encoding="utf-8")


def sources() -> dict[str, str]:
    """The text of every module by its file name, styles included."""
    files = [path.name for path in FOLDER.glob("*.js")]
    styles = [f"{path.name}.js" for path in FOLDER.glob("*.css")]
    return {file: source(file) for file in sorted(files + styles)}


def modules(entry: str) -> list[str]:
    """The module `entry` and all its direct and indirect imports, each after its own imports.

    Raises ValueError for cyclic imports.
    """
    found: list[str] = []

    def visit(file: str, path: tuple[str, ...]) -> None:
        if file in path:
            raise ValueError(f"modules import one another in a cycle: {' -> '.join(path)}, {file}")
        if file in found:
            return
        for match in _IMPORT.finditer(source(file)):
            visit(match["file"], (*path, file))
        found.append(file)

    visit(entry, ())
    return found


def bundle(entry: str) -> str:
    """One script that behaves as the module `entry`, including everything that it imports.

    Raises ValueError for a form of import or export that is not used in this folder.
    """
    files = modules(entry)
    scopes = [f"const {_scope(file)} = (() => {{\n{_body(file)}\n}})();" for file in files]
    return "\n".join([*scopes, f"export default {_scope(entry)}.default;\n"])


def _scope(file: str) -> str:
    """The name of the constant that holds a module's exports."""
    return "$" + re.sub(r"\W", "_", file)


def _body(file: str) -> str:
    """A module as the body of a function that returns its exports."""
    exports: list[str] = []

    def imported(match: re.Match[str]) -> str:
        names = match["names"] or f"default as {match['default']}"
        return f"const {{ {names.replace(' as ', ': ')} }} = {_scope(match['file'])};"

    def exported(match: re.Match[str]) -> str:
        if match["default"]:
            exports.append("default: $default")
            return "const $default = "
        exports.append(match["name"])
        return match[0].removeprefix("export ")

    text = _EXPORT.sub(exported, _IMPORT.sub(imported, source(file)))
    # import() of types occurs in comments only; a line that begins with either word is a statement
    if left := _STATEMENT.search(text):
        raise ValueError(f"{file}: cannot bundle {left[0].strip()!r}")
    return f"{text}return {{ {', '.join(exports)} }};"
