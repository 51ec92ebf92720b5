//! `docs/diagnostics.md` is made from the kinds of faults and the corpora, and names every kind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use alo_plan::{Code, load};
use camino::{Utf8Path, Utf8PathBuf};

const HEAD: &str = "\
# Faults of a plan

<!-- Made by `UPDATE_GENERATED=1 cargo test -p alo-plan --test diagnostics_doc`; do not edit. -->

Every fault that `alo validate` reports has a stable code. An *error* makes a plan invalid; a *warning* does so only with
`--strict`; a *note* never does. Below, each code with a plan that has the fault, what is said about it, and a plan that
has not.

";

/// The kinds that are not of the text of a plan: when they come, and what to do.
const WITHOUT_PLAN: [(Code, &str, &str); 24] = [
    (
        Code::FileMissing,
        "`alo validate experimental-plan.yaml`, but the file is `experimental_plan.yaml`.",
        "Name the file as it is.",
    ),
    (
        Code::FileUnreadable,
        "`alo validate solution`, which is a folder.",
        "`alo validate solution/experimental_plan.yaml`",
    ),
    (
        Code::FileTooLarge,
        "A plan that holds a table of 20 MiB in `args`.",
        "Keep the table in a file and name its path.",
    ),
    (Code::NotUtf8, "A plan with Korean comments saved as CP949.", "Save the file as UTF-8."),
    (
        Code::YamlSize,
        "A list of two million numbers in `args`.",
        "Keep the numbers in a file and name its path.",
    ),
    (
        Code::PathMissing,
        "`load_train_data_path: ./data/train/`, and there is no such folder in the project.",
        "Put the data there before the pipeline runs, or correct the path.",
    ),
    (
        Code::PathUnreadable,
        "`load_train_data_path: /root/data/`, which only the superuser may read.",
        "`chmod`, or another path.",
    ),
    (
        Code::PathNotWritable,
        "`save_train_artifacts_path: ./out/train/`, and `out` is a file.",
        "Name a folder.",
    ),
    (
        Code::AssetMissing,
        "`code: local` for the step `train`, and there is no folder `assets/train/`.",
        "Put `asset_train.py` there, or name a git repository.",
    ),
    (
        Code::AssetNotFetched,
        "`alo validate --assets` before the first `alo run` of a plan whose code lies in a git repository.",
        "Run the plan once; its code is then in the cache.",
    ),
    (
        Code::AssetFileMissing,
        "The folder `assets/train/` holds `train.py` only.",
        "Name the file `asset_train.py`.",
    ),
    (
        Code::AssetUnreadable,
        "`assets/train/asset_train.py` may be read by another user only.",
        "`chmod`, so that it can be read.",
    ),
    (
        Code::AssetSyntax,
        "`def run(self)`, without a colon; Python's own words and place are shown.",
        "`def run(self):`",
    ),
    (Code::AssetClassMissing, "`class Train(Asset):`", "`class UserAsset(Asset):`"),
    (
        Code::AssetBaseClass,
        "`class UserAsset:`",
        "`from alolib.asset import Asset`, and `class UserAsset(Asset):`",
    ),
    (
        Code::AssetInit,
        "`def __init__(self, args, data):`",
        "`def __init__(self, asset_structure):`, or `def __init__(self, envs, argv, data, config):` as in ALO 1.",
    ),
    (Code::AssetRunMissing, "`def main(self):`", "`def run(self):`"),
    (
        Code::AssetRunUndecorated,
        "`def run(self):` alone. It runs, but not in ALO itself.",
        "`@Asset.decorator_run` in the line above it.",
    ),
    (
        Code::AssetSaveMissing,
        "A `run` that ends without `self.asset.save_config(self.config)`.",
        "`self.asset.save_data(self.data)` and `self.asset.save_config(self.config)`, once each.",
    ),
    (
        Code::AssetSaveRepeated,
        "`self.asset.save_data(table)` in a loop over the tables.",
        "Collect the tables in a dict and save it behind the loop.",
    ),
    (
        Code::AssetSummaryMissing,
        "An inference pipeline that only writes `output.csv`.",
        "`self.asset.save_summary(result=\"OK\", score=0.9)` in one of its steps.",
    ),
    (
        Code::AssetOutputMissing,
        "An inference pipeline that only saves a summary.",
        "One of its steps writes a file to `self.asset.get_output_path()`.",
    ),
    (
        Code::AssetArgUnread,
        "`args: [{depth: 6}]`, and the asset only says `self.asset.load_args()`.",
        "`self.asset.check_args(\"depth\", chng_type=\"int\")`",
    ),
    (Code::AssetArgType, "`self.asset.check_args(\"depth\", chng_type=\"integer\")`", "`chng_type=\"int\"`"),
];

fn tests() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn plan(path: &Utf8Path) -> String {
    let text = fs_err::read_to_string(path).unwrap();
    let text = text.strip_prefix("# marks:").map_or(text.as_str(), |rest| rest.split_once('\n').unwrap().1);
    let text = text.trim_end();
    if text.is_empty() { "```yaml\n```\n".to_owned() } else { format!("```yaml\n{text}\n```\n") }
}

/// What is said about the plan as the page shows it: without the line that the tests need.
fn said(path: &Utf8Path) -> String {
    let text = fs_err::read_to_string(path).unwrap();
    let text = text.split_once('\n').unwrap().1;
    let loaded = alo_plan::load_str(text, "plan.yaml".into());
    assert_eq!(loaded.diagnostics.len(), 1, "{path}: {:?}", loaded.diagnostics);
    let rendered = alo_plan::render::render(&loaded, false);
    format!("```text\n{}\n```\n", rendered.trim_end())
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for code in Code::ALL {
        let _ =
            write!(page, "## {code}\n\n{}: {}\n\n", capitalised(code.severity().as_str()), code.summary());
        if let Some((_, bad, good)) = WITHOUT_PLAN.iter().find(|(other, ..)| other == code) {
            let _ = write!(page, "Bad: {bad}\n\nGood: {good}\n\n");
            continue;
        }
        let file = format!("{code}.yaml");
        let (bad, good) = (tests().join("invalid").join(&file), tests().join("corrected").join(&file));
        assert_eq!(load(&bad).diagnostics[0].code, *code);
        assert!(load(&good).diagnostics.is_empty());
        let _ = write!(page, "Bad:\n\n{}\n{}\nGood:\n\n{}\n", plan(&bad), said(&bad), plan(&good));
    }
    // What nobody could see on the page.
    page.trim_end().replace('\u{7}', "␇").replace('\t', "→") + "\n"
}

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

#[test]
fn the_page_of_faults_is_up_to_date() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics.md");
    let now = page();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs_err::write(&path, &now).unwrap();
    }
    let recorded = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        recorded == now,
        "docs/diagnostics.md is out of date: UPDATE_GENERATED=1 cargo test -p alo-plan --test diagnostics_doc"
    );
}

#[test]
fn codes_have_distinct_names_that_are_found_again() {
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(*code));
        assert!(
            code.name().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{code}"
        );
    }
    assert!(Code::ALL.len() >= 40);
}
