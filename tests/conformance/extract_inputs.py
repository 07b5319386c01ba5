"""Writes `sdk_inputs.json`: what the published SDKs can send, by operation.

    python tests/conformance/extract_inputs.py <folder of an unpacked package>...

A folder is named `npm-<version>` or `pypi-<version>` and holds what `npm pack @polar-sh/sdk@<version>` or
`pip download --no-deps polar-sdk==<version>` gave. Every name is read from the types that the package sends:
`query.active`, `body.billing_address.country`; a list is its items, and the values of a map stand under `*`.
"""

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PARSED = re.compile(r"z\.parse\(\s*([\w$]+)\$outboundSchema|([\w$]+)\$outboundSchema(?:\.optional\(\))?\.parse\(")
_QUERY = re.compile(r'"?(\w+)"?: payload\??\.\w+,?$', re.MULTILINE)
_CALL = re.compile(
    r"^declare const (\w+): \(client: ClientBase\) => \(((?:(?!^declare).)*?),? ?requestOptions\?:",
    re.MULTILINE | re.DOTALL,
)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Tree = dict[str, Any]
"""Names, each with what is inside of it."""
TABLE = Path(__file__).with_name("sdk_inputs.json")
_TOKEN = re.compile(r'"[^"]*"|[A-Za-z_$][\w$.]*|\d+|=>|[{}\[\]()<>|&?:;,]')
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


def merged(*trees: Tree) -> Tree:
    """All names of several trees."""
    found: Tree = {}
    for tree in trees:
        for name, inner in tree.items():
            found[name] = merged(found.get(name, {}), inner)
    return found


class TypeScript:
    """Reads types as far as these packages use them: objects, lists, maps, unions and names."""

    def __init__(self, sources: list[str]) -> None:
        self._types: dict[str, str] = {}
        for source in sources:
            for kind, name, start in _declared(source):
                self._types.setdefault(name, _until_end(source[start:], "interface" in kind))

    def tree(self, text: str, within: tuple[str, ...] = ()) -> Tree:
        """The names in a type."""
        return self._union(_TOKEN.findall(text), within)

    def _union(self, tokens: list[str], within: tuple[str, ...]) -> Tree:
        found = self._one(tokens, within)
        while tokens and tokens[0] in {"|", "&"}:
            tokens.pop(0)
            found = merged(found, self._one(tokens, within))
        return found

    def _one(self, tokens: list[str], within: tuple[str, ...]) -> Tree:
        if tokens and tokens[0] == "|":
            tokens.pop(0)
        token = tokens.pop(0) if tokens else ""
        found: Tree = {}
        if token == "{":
            found = self._fields(tokens, within)
        elif token == "(":
            found = self._union(tokens, within)
            tokens.pop(0)
        elif tokens and tokens[0] == "<":
            tokens.pop(0)
            inner = self._union(tokens, within)
            while tokens.pop(0) == ",":
                inner = self._union(tokens, within)
            found = {"*": inner} if token == "Record" else inner
        elif token in self._types and token not in within:
            found = self.tree(self._types[token], (*within, token))
        while tokens[:2] == ["[", "]"]:
            del tokens[:2]
        return found

    def _fields(self, tokens: list[str], within: tuple[str, ...]) -> Tree:
        found: Tree = {}
        while (name := tokens.pop(0)) != "}":
            if name in {";", ","}:
                continue
            if name == "[":
                del tokens[: tokens.index("]") + 1]
                name = "*"
            if tokens[0] == "?":
                tokens.pop(0)
            tokens.pop(0)
            found[name.strip('"')] = self._union(tokens, within)
        return found


def _declared(source: str) -> Iterator[tuple[str, str, int]]:
    for match in re.finditer(r"^(?:export )?(?:declare )?(type|interface) ([\w$]+)\s*=?", source, re.MULTILINE):
        yield match[1], match[2], match.end()


def _until_end(text: str, is_interface: bool) -> str:
    """What stands up to the end of a declaration."""
    depth = 0
    for place, letter in enumerate(text):
        depth += letter in "{(["
        depth -= letter in "})]"
        if depth == 0 and letter == ("}" if is_interface else ";"):
            return text[: place + 1] if is_interface else text[:place]
    return text


def of_typescript_0(folder: Path) -> dict[str, Tree]:
    """The packages up to 0.49: `funcs` send the types `…$Outbound` of `models`."""
    models = [_COMMENT.sub("", path.read_text()) for path in sorted(folder.rglob("src/models/*/*.ts"))]
    types = TypeScript(models)
    found: dict[str, Tree] = {}
    for path in folder.rglob("src/funcs/*.ts"):
        source = path.read_text()
        address = re.search(r'pathToFunc\("([^"]+)"\)', source)
        method = re.search(r'method: "(\w+)"', source)
        sent = _PARSED.search(source)
        if address is None or method is None:
            continue
        inputs = types.tree(f"{sent[1] or sent[2]}$Outbound") if sent else {}
        query = {name: inputs.get(name, {}) for name in _QUERY.findall(source)}
        whole = re.search(r"encode(?:JSON|BodyForm)?\(\s*\"body\",\s*payload(?:\??\.(\w+))?", source)
        body = (inputs.get(whole[1], {}) if whole[1] else inputs) if whole else {}
        found[f"{method[1]} {address[1]}"] = {"query": query, "body": body}
    return found


def of_typescript_1(folder: Path) -> dict[str, Tree]:
    """The packages from 1.0: a declaration of every call, for each version of the API."""
    found: dict[str, Tree] = {}
    for version in sorted(folder.rglob("dist/20??-??")):
        types: TypeScript | None = None
        for declarations in sorted(version.rglob("services/**/*.d.mts")):
            text = _COMMENT.sub("", declarations.read_text())
            named = re.search(r"models-[^\"/]+\.mjs", text)
            if types is None and named is not None:
                models = version.parent / named[0].replace(".mjs", ".d.mts")
                types = TypeScript([_COMMENT.sub("", models.read_text())])
            code = declarations.with_name(declarations.name.replace(".d.mts", ".mjs")).read_text()
            sent = dict(_sent(code))
            for name, parameters in _CALL.findall(text):
                if name not in sent:
                    continue
                inputs = (types or TypeScript([])).tree("{" + parameters.replace("\n", " ") + "}")
                one = {"query": inputs.get("query", {}), "body": inputs.get("body", {})}
                found[sent[name]] = merged(found.get(sent[name], {}), one)
    return found


def _sent(code: str) -> Iterator[tuple[str, str]]:
    name = ""
    for match in re.finditer(r'^const (\w+) = |buildRequest\("(\w+)", "([^"]+)"', code, re.MULTILINE):
        name = match[1] or name
        if match[2]:
            yield name, f"{match[2]} {match[3]}"


class Python:
    """Reads the annotations of classes and aliases."""

    def __init__(self, paths: list[Path]) -> None:
        self._types: dict[str, ast.AST] = {}
        for path in paths:
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    self._types.setdefault(node.name, node)
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    self._types.setdefault(node.targets[0].id, node.value)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                    self._types.setdefault(node.target.id, node.value)

    def tree(self, node: ast.AST, within: tuple[str, ...] = ()) -> Tree:
        """The names in an annotation."""
        name = _last(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value if node.value.isidentifier() else ""
        if isinstance(node, ast.BinOp):
            return merged(self.tree(node.left, within), self.tree(node.right, within))
        if isinstance(node, ast.Call):  # TypeAliasType("Name", Union[…])
            return merged({}, *(self.tree(part, within) for part in node.args[1:]))
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            kind = _last(node.value)
            if kind.lower() in {"dict", "mapping"}:
                return {"*": self.tree(parts[1], within)}
            if kind == "Literal":
                return {}
            return merged({}, *(self.tree(part, within) for part in (parts[:1] if kind == "Annotated" else parts)))
        if name not in self._types or name in within:
            return {}
        found = self._types[name]
        if not isinstance(found, ast.ClassDef):
            return self.tree(found, (*within, name))
        return self._fields(found, (*within, name))

    def _fields(self, found: ast.ClassDef, within: tuple[str, ...]) -> Tree:
        inner = merged({}, *(self.tree(base, within) for base in found.bases))
        for field in found.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                alias = re.search(r"Field\(alias='(\w+)'\)", ast.unparse(field.annotation))
                inner[alias[1] if alias else field.target.id] = self.tree(field.annotation, within)
        return inner

    def sent_as(self, name: str, marker: str) -> dict[str, ast.AST]:
        """The fields of a request's class that are marked as sent in the query, or as the body."""
        found = self._types.get(name)
        fields = found.body if isinstance(found, ast.ClassDef) else []
        marked: dict[str, ast.AST] = {}
        for field in fields:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = ast.unparse(field.annotation)
                if f"{marker}=" in text:
                    alias = re.search(r"Field\(alias='(\w+)'\)", text)
                    marked[alias[1] if alias else field.target.id] = field.annotation
        return marked


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _calls(paths: list[Path], name: str) -> Iterator[tuple[list[Function], dict[str, ast.AST]]]:
    """Each call of `name` by a method, as its keywords, after the method and its overloads."""
    for path in paths:
        for node in ast.parse(path.read_text()).body:
            methods = [part for part in getattr(node, "body", []) if isinstance(part, Function)]
            for method in methods:
                for call in ast.walk(method):
                    if isinstance(call, ast.Call) and _last(call.func) == name:
                        alike = [method, *(other for other in methods if other.name == method.name)]
                        yield alike, {key.arg or "": key.value for key in call.keywords}


def of_python_0(folder: Path) -> dict[str, Tree]:
    """The packages up to 0.32: a class for each request, whose fields say where they are sent."""
    root = next(folder.rglob("polar_sdk/__init__.py")).parent
    types = Python(sorted(root.glob("models/*.py")))
    found: dict[str, Tree] = {}
    for (function, *_), sent in _calls(sorted(root.glob("*.py")), "_build_request"):
        code = ast.unparse(function)
        made = re.search(r"request = models\.(\w+)\(", code)
        queries = types.sent_as(made[1], "query") if made else {}
        bodies = list(types.sent_as(made[1], "request").values()) if made else []
        serialized = re.search(r"serialize_request_body\(request, .*?'json', (.+?)\)", code)
        if serialized is not None:
            bodies = [ast.parse(serialized[1], mode="eval").body]
        query = {name: types.tree(annotation) for name, annotation in queries.items()}
        body = merged({}, *(types.tree(annotation) for annotation in bodies))
        address = f"{ast.literal_eval(sent['method'])} {ast.literal_eval(sent['path'])}"
        found[address] = {"query": query, "body": body}
    return found


def of_python_1(folder: Path) -> dict[str, Tree]:
    """The packages from 1.0: a typed dictionary for each body, for each version of the API."""
    found: dict[str, Tree] = {}
    for version in sorted(folder.rglob("polar/v20*_*")):
        types = Python([version / "inputs.py"])
        for functions, sent in _calls(sorted(version.glob("services/**/*.py")), "build_request"):
            query: Tree = {}
            for key in getattr(sent["query_params"], "keys", []):
                query[key.value] = {}
            body: Tree = {}
            for one in functions if "body" in sent else ():
                named = {arg.arg: arg.annotation for arg in (*one.args.args, *one.args.kwonlyargs)}
                annotation = one.args.kwarg.annotation if one.args.kwarg else named.get(_last(sent["body"]))
                body = merged(body, types.tree(annotation) if annotation is not None else {})
            address = f"{ast.literal_eval(sent['method'])} {ast.literal_eval(sent['url'])}"
            found[address] = merged(found.get(address, {}), {"query": query, "body": body})
    return found


def names(tree: Tree, before: str = "") -> Iterator[str]:
    """Every name of a tree, from the outside in; a map without names inside is its owner."""
    for name, inner in tree.items():
        path = f"{before}.{name}" if before else name
        if name != "*" and before:
            yield path
        yield from names(inner, path)


def main(folders: list[str]) -> None:
    """Reads the packages and writes the table: for each operation the names, grouped by the versions that have them."""
    table: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    versions = [Path(folder).name.replace("-", " ", 1) for folder in folders]
    for number, folder in enumerate(folders):
        is_npm, is_old = versions[number].startswith("npm"), " 0." in versions[number]
        read = (of_typescript_0 if is_old else of_typescript_1) if is_npm else (of_python_0 if is_old else of_python_1)
        operations = read(Path(folder))
        sys.stdout.write(f"{versions[number]}: {len(operations)} operations\n")
        for operation, inputs in operations.items():
            for name in names(inputs):
                table[operation][name].add(number)
    lines = []
    for operation, found in sorted(table.items(), key=lambda item: item[0].split(" ")[::-1]):
        groups: dict[str, list[str]] = defaultdict(list)
        for name, having in sorted(found.items()):
            groups["all" if len(having) == len(versions) else " ".join(map(str, sorted(having)))].append(name)
        lines.append(f"{json.dumps(operation)}: {json.dumps(groups, sort_keys=True, separators=(',', ':'))}")
    TABLE.write_text('{\n"versions": ' + json.dumps(versions) + ',\n"inputs": {\n' + ",\n".join(lines) + "\n}\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
