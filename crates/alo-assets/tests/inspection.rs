//! `inspect` as a caller sees it: reports, and what a hostile file cannot do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use alo_assets::{AssetReport, Generation, Machine, inspect};
use alo_plan::{Code, Pipeline, PipelineKind, Plan, Source, Step};
use camino::{Utf8Path, Utf8PathBuf};

struct Project {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Project {
    /// A project with a train pipeline step for each file.
    fn new(files: &[(&str, &[u8])]) -> (Self, Plan) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        for (step, code) in files {
            let folder = root.join("assets").join(step);
            fs_err::create_dir_all(&folder).unwrap();
            fs_err::write(folder.join(format!("asset_{step}.py")), code).unwrap();
        }
        let steps = files.iter().map(|(step, _)| Step::new(*step));
        let mut plan = Plan::new("test");
        plan.pipelines.push(Pipeline::new(PipelineKind::Train, steps));
        (Self { _folder: folder, root }, plan)
    }

    fn inspect(&self, plan: &Plan) -> Vec<AssetReport> {
        let machine = Machine::new(self.root.join("cache"), std::env::vars_os());
        inspect(&machine, &self.root, plan).unwrap()
    }
}

const GOOD: &str = "from alolib.asset import Asset\nclass UserAsset(Asset):\n    @Asset.decorator_run\n    \
                    def run(self):\n        self.asset.save_data({})\n        self.asset.save_config({})\n";

fn codes(report: &AssetReport) -> Vec<Code> {
    report.diagnostics.iter().map(|fault| fault.code).collect()
}

#[test]
fn steps_that_run_one_file_share_its_report() {
    let (project, mut plan) = Project::new(&[("input", GOOD.as_bytes())]);
    plan.pipelines.push(Pipeline::new(PipelineKind::Inference, [Step::new("input")]));
    let reports = project.inspect(&plan);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].steps.len(), 2);
    assert_eq!(reports[0].generation, Some(Generation::Two));
    assert_eq!(codes(&reports[0]), [Code::AssetSummaryMissing, Code::AssetOutputMissing]);
    assert!(!reports[0].valid);
}

#[test]
fn a_file_that_cannot_be_read_in_hides_no_other() {
    let deep = format!("x = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000));
    let unary = format!("x = {}1\n", "-".repeat(200_000));
    let files: &[(&str, &[u8])] = &[
        ("deep", deep.as_bytes()),
        ("unary", unary.as_bytes()),
        ("null", b"x = 1\0\n"),
        ("latin", b"x = '\xb0\xa1'\n"),
        ("cookie", b"# -*- coding: no-such -*-\n"),
        ("empty", b""),
        ("good", GOOD.as_bytes()),
    ];
    let (project, plan) = Project::new(files);
    let reports = project.inspect(&plan);
    let found: Vec<_> = reports.iter().map(codes).collect();
    for codes in &found[..5] {
        assert_eq!(*codes, [Code::AssetSyntax]);
    }
    assert_eq!(found[5], [Code::AssetClassMissing]);
    assert_eq!(found[6], []);
}

#[test]
fn places_are_right_in_files_of_every_kind() {
    let text = GOOD.replace("@Asset.decorator_run", "# 가");
    let bytes = |text: &str| text.as_bytes().to_vec();
    let korean =
        [&b"# -*- coding: euc-kr -*-\n# \xb0\xa1\n"[..], &bytes(&GOOD.replace("@Asset.decorator_run", "#"))]
            .concat();
    let windows = bytes(&text.replace('\n', "\r\n"));
    let marked = bytes(&format!("\u{feff}{text}"));
    let files: &[(&str, &[u8])] = &[("korean", &korean), ("windows", &windows), ("marked", &marked)];
    let (project, plan) = Project::new(files);
    for (report, line) in project.inspect(&plan).iter().zip([6, 4, 4]) {
        assert_eq!(codes(report), [Code::AssetRunUndecorated]);
        let span = report.diagnostics[0].span.unwrap();
        assert_eq!(span.text(&report.source), "run", "{report:?}");
        assert_eq!((span.start.line, span.start.column), (line, 9));
    }
}

#[test]
fn code_of_a_repository_that_was_never_fetched_is_a_note_and_starts_nothing() {
    let (project, mut plan) = Project::new(&[]);
    let mut step = Step::new("train");
    step.source = Source::Git { url: "https://me:s3cret@host.invalid/a.git".to_owned(), reference: None };
    plan.pipelines = vec![Pipeline::new(PipelineKind::Train, [step])];
    let machine = Machine::new(project.root.join("cache"), []);
    let reports = inspect(&machine, &project.root, &plan).unwrap();
    assert_eq!(codes(&reports[0]), [Code::AssetNotFetched]);
    assert!(reports[0].valid && reports[0].path.is_none());
    assert!(!reports[0].diagnostics[0].message.contains("s3cret"));
    assert!(!Utf8Path::new(&project.root).join("cache").exists());
}

#[test]
fn without_a_python_it_says_so() {
    let (project, plan) = Project::new(&[("good", GOOD.as_bytes())]);
    let mut machine = Machine::new(project.root.join("cache"), []);
    machine.python = Some("3.7".parse().unwrap());
    let error = inspect(&machine, &project.root, &plan).unwrap_err();
    assert!(error.to_string().contains("3.7") && error.hint().is_some());
}
