//! The house as its files stand: imports run one way, and no file has more than one duty's worth of lines.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The crates under `src/`, by their root folders.
const CRATES: [&str; 2] = ["src", "src/protocol"];
/// No file of the product is longer.
const MOST_LINES: usize = 300;

/// The unit tests at the end of a file.
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)#\[cfg\(test\)\]\s*(?:#\[[^\n]*\]\s*)*mod \w+ \{.*").unwrap());
/// An import.
static USES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").unwrap());
/// A path to another module of the crate.
static INLINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap());

/// A module: its path from the root of its crate.
type Module = Vec<String>;
/// Which modules a module imports.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("src/protocol") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources_of(root: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root), &mut found);
    found.sort();
    found
}

fn module_of(file: &Path, root: &str) -> Module {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut parts: Module = file
        .strip_prefix(root)
        .unwrap()
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// The code of a file, without comments and unit tests.
fn code(text: &str) -> String {
    TESTS.replace(text, "").lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The paths that a list of imports in braces stands for: `a::{b, c::{d, e}}` are three.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let inside = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(letter);
    }
    let nested = parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| expanded(part));
    nested.map(|part| format!("{}{part}", head.trim())).collect()
}

/// The paths to other modules that a module's code names, in `use` and elsewhere.
fn paths(code: &str) -> Vec<String> {
    let from_uses = USES.captures_iter(code).flat_map(|found| expanded(&found[1]));
    from_uses.chain(INLINE.find_iter(code).map(|found| found.as_str().to_owned())).collect()
}

/// The module that a path in `module` leads to, if it is one of the crate.
fn target(path: &str, module: &Module, modules: &BTreeSet<Module>) -> Option<Module> {
    let mut at = module.clone();
    let mut segments = path.split("::").map(str::trim).peekable();
    let mut relative = true;
    while let Some(first) = segments.next_if(|segment| matches!(*segment, "crate" | "super" | "self")) {
        relative = false;
        match first {
            "crate" => at.clear(),
            "super" => {
                at.pop()?;
            }
            _ => {}
        }
    }
    let start = at.clone();
    for segment in segments {
        at.push(segment.to_owned());
        if !modules.contains(&at) {
            at.pop();
            break;
        }
    }
    // Without `crate`, `super` or `self` a path leads to a child or out of the crate. The root only re-exports other crates.
    (at != *module && !at.is_empty() && !(relative && at == start)).then_some(at)
}

fn graph(root: &str) -> Graph {
    let files = sources_of(root);
    let modules: BTreeSet<Module> = files.iter().map(|file| module_of(file, root)).collect();
    let mut graph = Graph::new();
    for file in files {
        let module = module_of(&file, root);
        let code = code(&std::fs::read_to_string(&file).unwrap());
        let targets = paths(&code).iter().filter_map(|path| target(path, &module, &modules)).collect::<Vec<_>>();
        graph.entry(module).or_default().extend(targets);
    }
    graph
}

/// A way from a module back to itself.
fn circle(graph: &Graph) -> Option<Vec<Module>> {
    fn visit(at: &Module, graph: &Graph, way: &mut Vec<Module>, done: &mut BTreeSet<Module>) -> bool {
        if let Some(begin) = way.iter().position(|module| module == at) {
            way.drain(..begin);
            return true;
        }
        if !done.insert(at.clone()) {
            return false;
        }
        way.push(at.clone());
        if graph.get(at).into_iter().flatten().any(|next| visit(next, graph, way, done)) {
            return true;
        }
        way.pop();
        false
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| {
        let mut way = Vec::new();
        visit(module, graph, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn imports_run_one_way() {
    for root in CRATES {
        let graph = graph(root);
        assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 30, "{root}: hardly any import was found");
        let circle = circle(&graph).map(|way| way.iter().map(|module| module.join("::")).collect::<Vec<_>>());
        assert_eq!(circle, None, "{root}: these modules import each other in a circle");
    }
}

#[test]
fn the_core_is_built_in_layers() {
    let graph = graph("src/protocol");
    let layers = ["facts", "rights", "answer", "record", "rules", "decide"];
    let layer = |module: &Module| layers.iter().position(|layer| module.first().is_some_and(|first| first == layer));
    for (module, targets) in &graph {
        for target in targets {
            let (Some(from), Some(to)) = (layer(module), layer(target)) else { continue };
            assert!(from >= to, "{} imports {}", module.join("::"), target.join("::"));
        }
    }
}

#[test]
fn no_file_of_the_product_is_long() {
    for root in CRATES {
        for file in sources_of(root) {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn a_circle_would_be_found() {
    let one = |name: &str| vec![name.to_owned()];
    let modules: BTreeSet<Module> = [one("a"), one("b"), vec!["a".to_owned(), "c".to_owned()]].into();
    let found = |path: &str, module: &str| target(path, &one(module), &modules);
    assert_eq!(found("crate::b::B", "a"), Some(one("b")));
    assert_eq!(found("super::b", "a"), Some(one("b")));
    assert_eq!(found("c::C", "a"), Some(vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(found("std::b", "a"), None);
    assert_eq!(expanded("crate::{a::{A, B}, b}"), ["crate::a::A", "crate::a::B", "crate::b"]);
    let graph = Graph::from([(one("a"), [one("b")].into()), (one("b"), [one("a")].into())]);
    assert_eq!(circle(&graph), Some(vec![one("a"), one("b")]));
}
