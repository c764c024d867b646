//! `tests/FAULTS.md` is complete, and every test that it names exists.

use kit::control_plane::repository;

const CATALOGUE: &str = include_str!("../../FAULTS.md");
/// How many faults there are.
const ROWS: usize = 60;

/// The cells of the rows of the catalogue: number, fault, tests, notes.
fn rows() -> Vec<Vec<&'static str>> {
    CATALOGUE
        .lines()
        .skip_while(|line| !line.starts_with("| # "))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// Whether the file has a function of this name that is run as a test.
fn is_test(file: &str, name: &str) -> bool {
    let path = repository().join("tests").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().filter(|(_, line)| line.contains(&head)).any(|(at, _)| {
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with('#'));
        attributes.into_iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_fault_has_its_row_and_every_row_its_tests() {
    let rows = rows();
    let numbers: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
    let expected: Vec<String> = (1..=ROWS).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    for (number, row) in (1..).zip(&rows) {
        assert_eq!(row.len(), 4, "row {number}");
        for test in row[2].split(", ") {
            let named =
                test.strip_prefix('`').and_then(|test| test.strip_suffix('`')).and_then(|it| it.split_once("::"));
            let (file, name) = named.unwrap_or_else(|| panic!("row {number}: `FILE::TEST` is not {test}"));
            assert!(is_test(file, name), "row {number}: {file} has no test {name}");
        }
    }
}

#[test]
fn a_function_that_is_not_a_test_is_told_from_one() {
    assert!(is_test("e2e/docs/fault_catalogue.rs", "every_fault_has_its_row_and_every_row_its_tests"));
    assert!(!is_test("e2e/docs/fault_catalogue.rs", "rows"));
    assert!(!is_test("e2e/docs/fault_catalogue.rs", "nothing_of_this_name"));
}
