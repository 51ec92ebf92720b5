//! The corpora: `valid/` plans load without error, `invalid/` plans have the one fault their name says, exactly where
//! they say, and `corrected/` shows what to write instead.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use alo_plan::{Code, Loaded, load};
use camino::{Utf8Path, Utf8PathBuf};

fn corpus(folder: &str) -> Vec<Utf8PathBuf> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut plans: Vec<_> = folder
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension() == Some("yaml"))
        .collect();
    plans.sort();
    assert!(plans.len() > 15, "{folder} has lost its plans");
    plans
}

/// The part of a file's name before `--`.
fn subject(path: &Utf8Path) -> &str {
    path.file_stem().unwrap().split("--").next().unwrap()
}

fn faults(loaded: &Loaded) -> Vec<&str> {
    loaded.diagnostics.iter().map(|fault| fault.code.name()).collect()
}

#[test]
fn every_invalid_plan_has_the_one_fault_its_name_says() {
    for path in corpus("invalid") {
        let loaded = load(&path);
        assert_eq!(faults(&loaded), [subject(&path)], "{path}");
        let fault = &loaded.diagnostics[0];
        assert_eq!(loaded.plan.is_none(), fault.is_error(), "{path}");
        assert!(fault.help.is_some(), "{path} gives no advice");
    }
}

#[test]
fn every_fault_is_marked_where_it_is() {
    for path in corpus("invalid") {
        let loaded = load(&path);
        let first = loaded.source.lines().next().unwrap();
        let marks = first.strip_prefix("# marks:").unwrap().trim_start();
        let marks = marks.replace("TAB", "\t").replace("BELL", "\u{7}");
        let span = loaded.diagnostics[0].span.unwrap();
        let marked = span.text(&loaded.source).lines().next().unwrap_or_default();
        assert_eq!(marked, marks, "{path}");
        // Line and column say the same place as the offset.
        let line = loaded.source.lines().nth(span.start.line as usize - 1).unwrap_or_default();
        let from: String = line.chars().skip(span.start.column as usize - 1).collect();
        assert!(from.starts_with(&marks), "{path}: {span:?}");
    }
}

#[test]
fn every_invalid_plan_is_rendered() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "rendered" }, {
        for path in corpus("invalid") {
            let loaded = load(&path);
            let fault = &loaded.diagnostics[0];
            let name = path.file_stem().unwrap();
            let rendered = alo_plan::render::diagnostic(fault, "plan.yaml", &loaded.source, false);
            let pointer = if fault.pointer.is_empty() { "(root)" } else { &fault.pointer };
            insta::assert_snapshot!(name, format!("{rendered}\npointer: {pointer}"));
        }
    });
}

#[test]
fn every_corrected_plan_has_no_fault() {
    for path in corpus("corrected") {
        let loaded = load(&path);
        assert_eq!(faults(&loaded), <[&str; 0]>::default(), "{path}");
        let broken = load(&path.parent().unwrap().with_file_name("invalid").join(path.file_name().unwrap()));
        assert_eq!(faults(&broken), [subject(&path)], "{path} corrects nothing");
    }
}

#[test]
fn every_valid_plan_loads_as_the_dialect_its_name_says() {
    for path in corpus("valid") {
        let loaded = load(&path);
        assert!(loaded.is_valid(), "{}", alo_plan::render::render(&loaded, false));
        assert_eq!(loaded.dialect.unwrap().as_str(), subject(&path), "{path}");
        for fault in &loaded.diagnostics {
            assert!(
                matches!(fault.code, Code::OldKey | Code::UselessKey | Code::NothingToRun),
                "{path}: {fault:?}"
            );
        }
    }
}

#[test]
fn every_valid_plan_survives_being_written() {
    for path in corpus("valid").into_iter().chain(corpus("corrected")) {
        let plan = load(&path).plan.unwrap();
        let text = plan.to_yaml();
        let again = alo_plan::load_str(&text, &path);
        assert_eq!(again.plan.as_ref(), Some(&plan), "{path}:\n{text}{:?}", again.diagnostics);
    }
}
