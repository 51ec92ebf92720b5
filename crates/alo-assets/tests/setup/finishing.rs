//! What a new environment still needs: its packages are imported once, and it gets byte-code.

use alo_assets::{EnvironmentError, ImportState, PreparedPipeline, SetupError, SetupEvent, Verdict};
use alo_plan::{PipelineKind, Plan};
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench::{Bench, local, train};
use crate::wheel::{wheel, wheel_of};

const TRAIN: PipelineKind = PipelineKind::Train;

fn bench(requirements: &[&str]) -> (Bench, Plan) {
    let bench = Bench::new();
    bench.asset("train", &[("asset_train.py", "")]);
    (bench, train([local("train", requirements)]))
}

/// Waits for the imports.
fn check(prepared: &mut PreparedPipeline) -> (Result<Verdict, EnvironmentError>, Vec<SetupEvent>) {
    let mut events = Vec::new();
    let verdict = prepared.finishing[0].check(true, &|| false, &mut |event| events.push(event));
    (verdict.map(|verdict| verdict.expect("it was waited for")), events)
}

fn is_compiled(source: &Utf8Path) -> bool {
    let folder = source.parent().unwrap().join("__pycache__");
    let stem = format!("{}.", source.file_stem().unwrap());
    folder.is_dir()
        && folder.read_dir_utf8().unwrap().any(|entry| entry.unwrap().file_name().starts_with(&stem))
}

fn packages(prepared: &PreparedPipeline) -> Utf8PathBuf {
    let lib = prepared.environments[0].folder.join("lib");
    let python = lib.read_dir_utf8().unwrap().next().unwrap().unwrap().into_path();
    python.join("site-packages")
}

#[test]
fn byte_code_is_made_beside_the_run_and_that_of_tests_by_a_fetch() {
    let (bench, plan) = bench(&["a"]);
    let files =
        [("a/__init__.py", ""), ("a/part.py", "x = 1"), ("a/tests/test_a.py", ""), ("a/old.py", "print 1")];
    wheel_of(&bench.wheels(), "a", "1.0", &[], &files);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let a = packages(&prepared).join("a");
    prepared.finishing.remove(0).end(&|| false);
    assert!(is_compiled(&a.join("__init__.py")) && is_compiled(&a.join("part.py")));
    assert!(!is_compiled(&a.join("tests/test_a.py")), "a run does not wait for tests");
    assert!(!is_compiled(&a.join("old.py")), "that is no Python 3");

    // All that a run needs is there: the second one has no process.
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    assert!(format!("{:?}", prepared.finishing[0]).contains("process: None"));
    prepared.finishing[0].complete(&|| false, &mut |_| {}).unwrap();
    assert!(is_compiled(&a.join("tests/test_a.py")));
}

#[test]
fn what_can_never_be_imported_is_an_error_with_advice_and_fails_the_next_set_up() {
    let (bench, plan) = bench(&["old-abi", "needy", "good"]);
    let broken = "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility. Expected 96, got 88')";
    wheel_of(&bench.wheels(), "old-abi", "1.0", &[], &[("old_abi/__init__.py", broken)]);
    wheel_of(&bench.wheels(), "needy", "1.0", &[], &[("needy.py", "import absent_one.part")]);
    wheel(&bench.wheels(), "good", "1.0", &[]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let error = check(&mut prepared).0.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with(
            "`needy` cannot be imported: ModuleNotFoundError: No module named 'absent_one' (required by step `train`); `old-abi` "
        ),
        "{message}"
    );
    assert!(
        message.contains("it was built for another NumPy (ValueError: numpy.dtype size changed"),
        "{message}"
    );
    assert!(error.hint().unwrap().contains("the module `absent_one`"), "{:?}", error.hint());
    let a = packages(&prepared);
    drop(prepared);

    let again = bench.set_up(&plan, TRAIN);
    let Err(SetupError::Environment { source, .. }) = &again.outcome else { panic!("{:?}", again.outcome) };
    assert!(matches!(&**source, EnvironmentError::Unimportable { imports } if imports.len() == 2));

    // What was missing has been added by hand: the known fault is looked at again.
    fs_err::write(a.join("absent_one.py"), "").unwrap();
    fs_err::write(a.join("needy.py"), "import absent_one").unwrap();
    fs_err::write(a.join("old_abi/__init__.py"), "").unwrap();
    bench.set_up(&plan, TRAIN).prepared();
}

#[test]
fn what_may_work_elsewhere_is_a_warning() {
    let (bench, plan) = bench(&["no-gpu", "no-driver", "leaves", "fake-module", "stubs", "crash-free"]);
    let wheels = bench.wheels();
    wheel_of(
        &wheels,
        "no-gpu",
        "1.0",
        &[],
        &[("no_gpu.py", "raise RuntimeError('no CUDA GPUs are available')")],
    );
    let driver =
        "raise ImportError('libcuda.so.1: cannot open shared object file: No such file or directory')";
    wheel_of(&wheels, "no-driver", "1.0", &[], &[("no_driver.py", driver)]);
    wheel_of(&wheels, "leaves", "1.0", &[], &[("leaves.py", "import sys; sys.exit(3)")]);
    // Nothing to import: a list of modules that is wrong, and stubs.
    wheel_of(
        &wheels,
        "fake-module",
        "1.0",
        &[],
        &[("fake_module-1.0.dist-info/top_level.txt", "elsewhere\n")],
    );
    wheel_of(&wheels, "stubs", "1.0", &[], &[("stubs-stubs/__init__.pyi", "")]);
    wheel(&wheels, "crash-free", "1.0", &[]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let (verdict, events) = check(&mut prepared);
    let mut states: Vec<_> =
        verdict.unwrap().imports.into_iter().map(|import| (import.requirement, import.state)).collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("crash-free", ImportState::Ok),
        ("fake-module", ImportState::Ok),
        ("leaves", ImportState::Warning),
        ("no-driver", ImportState::Warning),
        ("no-gpu", ImportState::Warning),
    ];
    assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state)));
    let warnings = events.iter().filter(|event| matches!(event, SetupEvent::Warning { .. })).count();
    assert_eq!(warnings, 3, "{events:?}");
    assert!(
        format!("{events:?}")
            .contains("`no-gpu` was installed but does not import: RuntimeError: no CUDA GPUs")
    );
    drop(prepared);
    assert!(bench.set_up(&plan, TRAIN).warnings().is_empty(), "told once");
}

#[test]
fn what_does_not_fit_is_told_from_what_is_only_missing_here() {
    let raised = [
        (
            "old-api",
            "RuntimeError('module was compiled against NumPy C-API version 0x13 (NumPy 2.3) but the running NumPy has \
             C-API version 0x10')",
            ImportState::Error,
        ),
        (
            "old-abi",
            "RuntimeError('module compiled against ABI version 0x2 but this version is 0x1')",
            ImportState::Error,
        ),
        ("old-torch", "RuntimeError('operator torchvision::nms does not exist')", ImportState::Error),
        (
            "no-screen",
            "ImportError('this platform is not supported: (\\'failed to acquire X connection: Bad display name\\')')",
            ImportState::Warning,
        ),
        ("no-variable", "ImportError('the DISPLAY is not set')", ImportState::Warning),
    ];
    let (bench, plan) = bench(&raised.map(|(name, ..)| name));
    for (name, exception, _) in raised {
        let module = name.replace('-', "_") + ".py";
        wheel_of(&bench.wheels(), name, "1.0", &[], &[(&module, &format!("raise {exception}"))]);
    }
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let error = check(&mut prepared).0.unwrap_err();
    let EnvironmentError::Unimportable { imports } = &error else { panic!("{error}") };
    let mut wrong: Vec<_> = imports.iter().map(|import| &*import.requirement).collect();
    wrong.sort_unstable();
    assert_eq!(wrong, ["old-abi", "old-api", "old-torch"]);
    assert!(raised.iter().all(|(name, _, state)| wrong.contains(name) == (*state == ImportState::Error)));
    assert!(error.to_string().contains("`old-torch` cannot be imported: it was built for another PyTorch"));
}

#[test]
fn a_wait_for_an_import_is_told() {
    let (bench, plan) = bench(&["slow", "quick"]);
    let marker = bench.root.join("go-on");
    let slow = format!("import os, time\nwhile not os.path.exists('{marker}'): time.sleep(0.01)");
    wheel_of(&bench.wheels(), "slow", "1.0", &[], &[("slow.py", &slow)]);
    wheel(&bench.wheels(), "quick", "1.0", &[]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let mut told = Vec::new();
    let mut observer = |event| {
        if let SetupEvent::WaitingForImports { packages } = event {
            fs_err::write(&marker, "").unwrap();
            told = packages;
        }
    };
    assert!(prepared.finishing[0].check(true, &|| false, &mut observer).unwrap().is_some());
    assert!(told.contains(&"slow".to_owned()), "{told:?}");
}

#[test]
fn a_crash_and_a_library_that_is_missing_are_errors() {
    let (bench, plan) = bench(&["crashes", "lacks"]);
    let kill = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)";
    wheel_of(&bench.wheels(), "crashes", "1.0", &[], &[("crashes.py", kill)]);
    let lacks = "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')";
    wheel_of(&bench.wheels(), "lacks", "1.0", &[], &[("lacks.py", lacks)]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let message = check(&mut prepared).0.unwrap_err().to_string();
    assert!(message.contains("`crashes` cannot be imported: its import crashed (SIGSEGV)"), "{message}");
    assert!(message.contains("`lacks` cannot be imported: ImportError: libGL.so.1"), "{message}");
}

#[test]
fn dropped_or_cancelled_it_ends_with_all_its_processes() {
    let (bench, plan) = bench(&["endless"]);
    let file = bench.root.join("pid");
    let code = format!(
        "import os, time\nopen('{file}.new', 'w').write(str(os.getpid()))\nos.rename('{file}.new', '{file}')\ntime.sleep(1000)"
    );
    wheel_of(&bench.wheels(), "endless", "1.0", &[], &[("endless.py", &code)]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let cancelled = prepared.finishing[0].check(true, &|| file.exists(), &mut |_| {});
    assert!(matches!(cancelled, Err(EnvironmentError::Cancelled)), "{cancelled:?}");
    let pid = fs_err::read_to_string(&file).unwrap();
    assert!(Utf8Path::new("/proc").join(&pid).exists());
    drop(prepared);
    assert!(!Utf8Path::new("/proc").join(&pid).exists(), "the import goes on");
}

#[test]
fn two_that_need_one_environment_do_the_work_once() {
    let (bench, plan) = bench(&["slow"]);
    let log = bench.root.join("imported.log");
    let code = format!("open('{log}', 'a').write('imported\\n')");
    wheel_of(&bench.wheels(), "slow", "1.0", &[], &[("slow.py", &code)]);
    let mut both: Vec<_> = (0..2).map(|_| bench.set_up(&plan, TRAIN).prepared()).collect();
    std::thread::scope(|scope| {
        for prepared in &mut both {
            scope.spawn(|| {
                check(prepared).0.unwrap();
                prepared.finishing[0].complete(&|| false, &mut |_| {}).unwrap();
            });
        }
    });
    assert_eq!(fs_err::read_to_string(log).unwrap(), "imported\n");
}

#[test]
fn requirements_that_share_an_environment_have_what_is_new_in_them_imported() {
    let (bench, plan) = bench(&["outer"]);
    let log = bench.root.join("imported.log");
    let code = |name: &str| format!("open('{log}', 'a').write('{name} ')");
    let inner = format!("{}\nraise RuntimeError('no display')", code("inner"));
    wheel_of(&bench.wheels(), "outer", "1.0", &["inner"], &[("outer.py", &code("outer"))]);
    wheel_of(&bench.wheels(), "inner", "1.0", &[], &[("inner.py", &inner)]);
    let mut first = bench.set_up(&plan, TRAIN).prepared();
    assert_eq!(check(&mut first).0.unwrap().imports.len(), 1);
    drop(first);

    let both = train([local("train", &["outer", "inner"])]);
    let mut second = bench.set_up(&both, TRAIN).prepared();
    let (verdict, events) = check(&mut second);
    assert_eq!(verdict.unwrap().imports.len(), 2);
    assert!(format!("{events:?}").contains("`inner` was installed but does not import"), "{events:?}");
    assert_eq!(fs_err::read_to_string(log).unwrap(), "outer inner ");
    drop(second);
    // Either set is known now.
    for plan in [&plan, &both] {
        assert!(format!("{:?}", bench.set_up(plan, TRAIN).prepared().finishing[0]).contains("is_told: true"));
    }
}

#[test]
fn every_environment_of_a_split_pipeline_is_finished() {
    let (bench, _) = bench(&[]);
    bench.asset("other", &[("asset_other.py", "")]);
    for version in ["1.0", "2.0"] {
        wheel(&bench.wheels(), "pinned", version, &[]);
    }
    wheel_of(&bench.wheels(), "frail", "1.0", &[], &[("frail.py", "import absent_one")]);
    let plan = train([local("train", &["pinned==1.0"]), local("other", &["pinned==2.0", "frail"])]);
    let mut prepared = bench.set_up(&plan, TRAIN).prepared();
    let mut outcomes = Vec::new();
    for finishing in &mut prepared.finishing {
        outcomes.push(finishing.complete(&|| false, &mut |_| {}).map_err(|error| error.to_string()));
    }
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0], Ok(()));
    assert!(outcomes[1].as_ref().unwrap_err().contains("`frail` cannot be imported"), "{outcomes:?}");
}
