//! Faults that are of files and folders, not of their text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use alo_plan::{Code, check, load, load_str, project_folder};
use camino::{Utf8Path, Utf8PathBuf};

struct Folder {
    _keep: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Folder {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(keep.path().to_owned()).unwrap();
        Self { _keep: keep, path }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.path.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        path
    }

    /// The faults of the paths of a plan with those external paths and a local asset.
    fn path_faults(&self, external: &str) -> Vec<(Code, String)> {
        let plan = self.write("solution/experimental_plan.yaml", format!("{PLAN}external_path:\n{external}"));
        let loaded = load(&plan);
        assert!(loaded.is_valid(), "{:?}", loaded.diagnostics);
        let found = check::paths(&loaded, &project_folder(&plan));
        found
            .into_iter()
            .map(|fault| (fault.code, fault.span.map_or("", |span| span.text(&loaded.source)).to_owned()))
            .collect()
    }
}

const PLAN: &str = "\
user_parameters:
  - train_pipeline:
      - step: train
asset_source:
  - train_pipeline:
      - step: train
        source: {code: local}
";

fn only_fault(path: &Utf8Path) -> (Code, String) {
    let loaded = load(path);
    assert_eq!(loaded.diagnostics.len(), 1, "{:?}", loaded.diagnostics);
    assert!(loaded.plan.is_none());
    let fault = &loaded.diagnostics[0];
    assert!(fault.help.is_some());
    (fault.code, fault.message.clone())
}

#[test]
fn a_file_that_is_not_there() {
    let folder = Folder::new();
    let (code, message) = only_fault(&folder.path.join("none.yaml"));
    assert_eq!(code, Code::FileMissing);
    assert!(message.contains("none.yaml"), "{message}");
}

#[test]
fn a_folder_is_no_plan() {
    let folder = Folder::new();
    assert_eq!(only_fault(&folder.path).0, Code::FileUnreadable);
}

#[test]
fn a_file_over_16_mib_is_not_read() {
    let folder = Folder::new();
    let path = folder.write("plan.yaml", vec![b'#'; (16 << 20) + 1]);
    assert_eq!(only_fault(&path).0, Code::FileTooLarge);
}

#[test]
fn a_file_in_another_encoding_shows_the_first_bad_byte() {
    let folder = Folder::new();
    // "실험" in CP949.
    let path = folder.write("plan.yaml", [b"name: ".as_slice(), &[0xbd, 0xc7, 0xc7, 0xe8], b"\n"].concat());
    let loaded = load(&path);
    let fault = &loaded.diagnostics[0];
    assert_eq!(fault.code, Code::NotUtf8);
    assert!(fault.message.contains("0xBD"), "{}", fault.message);
    let start = fault.span.unwrap().start;
    assert_eq!((start.line, start.column, start.offset), (1, 7, 6));
    assert!(alo_plan::render::render(&loaded, false).contains("CP949"));
}

#[test]
fn more_values_than_any_plan_has_are_refused() {
    let text = format!("control:\nname: [{}]\n", "0,".repeat(1_600_000));
    let loaded = load_str(&text, "plan.yaml".into());
    assert_eq!(loaded.diagnostics[0].code, Code::YamlSize);
}

#[test]
fn data_that_is_there_is_no_fault() {
    let folder = Folder::new();
    folder.write("data/train/a.csv", "a\n");
    folder.write("assets/train/asset_train.py", "");
    assert_eq!(folder.path_faults("  - load_train_data_path: ./data/train/\n"), []);
}

#[test]
fn data_that_is_not_there_is_a_warning_at_its_path() {
    let folder = Folder::new();
    folder.write("assets/train/asset_train.py", "");
    let faults = folder.path_faults("  - load_train_data_path: [data/none, s3://bucket/a]\n");
    assert_eq!(faults, [(Code::PathMissing, "data/none".to_owned())]);
}

#[test]
fn a_save_path_below_a_file_cannot_be_written() {
    let folder = Folder::new();
    folder.write("assets/train/asset_train.py", "");
    folder.write("out", "a file");
    let faults = folder.path_faults("  - save_train_artifacts_path: out/train/\n");
    assert_eq!(faults, [(Code::PathNotWritable, "out/train/".to_owned())]);
}

#[test]
fn a_local_asset_that_is_not_there_is_shown_at_its_step() {
    let folder = Folder::new();
    let faults = folder.path_faults("  - save_train_artifacts_path: out/\n");
    assert_eq!(faults, [(Code::AssetMissing, "train".to_owned())]);
}
