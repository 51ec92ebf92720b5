//! Data, models and archives in S3, by the library, against a real server: also one that fails.

use std::io::Read;
use std::time::Duration;

use alo_artifacts::{
    ArtifactLayout, Limits, LoadError, LoadProgress, LoadedData, LoadedModel, ModelError, ModelSource,
    ProjectLayout, RunId, S3Access, S3Environment, S3Error, S3Fault, check_sources, export, load_data,
    resolve_save_path,
};
use alo_plan::PipelineKind::{Inference, Train};
use alo_plan::{ArchiveFormat, Fetch, Permission};
use alo_tests::{FaultProxy, Faults, S3Server};
use camino::Utf8Path;
use serde_json::json;
use sha2::{Digest, Sha256};

struct Project {
    _dir: tempfile::TempDir,
    layout: ProjectLayout,
    environment: S3Environment,
    permission: Permission,
}

impl Project {
    /// A project whose environment leads to that server.
    fn new(variables: Vec<(String, String)>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let mut environment = S3Environment::new(variables);
        // moto copies an object for each of its ranges; on a busy machine that takes long and is no stall.
        environment.stall_timeout = Duration::from_secs(300);
        Self { _dir: dir, layout, environment, permission: Permission::default() }
    }

    fn of(server: &S3Server) -> Self {
        Self::new(server.variables())
    }

    fn access(&self) -> S3Access {
        S3Access::new(self.environment.clone(), &self.permission, vec![self.layout.root().to_owned()])
    }

    fn try_load(&self, sources: &[&str], stop: &dyn Fn() -> bool) -> Result<LoadedData, LoadError> {
        let texts: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        let sources = check_sources(&[self.layout.root().to_owned()], &texts, &self.access(), stop)?;
        load_data(&self.layout, Train, &sources, Fetch::Every, stop, &mut |_| {})
    }

    #[track_caller]
    fn load(&self, sources: &[&str]) -> LoadedData {
        self.try_load(sources, &|| false).expect("loaded")
    }

    #[track_caller]
    fn fault(&self, source: &str) -> LoadError {
        let error = self.try_load(&[source], &|| false).expect_err("a fault");
        let told = format!("{error} / {:?} / {error:?}", error.hint());
        assert!(!told.contains("s3cr3t"), "{told}");
        error
    }

    fn input(&self) -> Vec<String> {
        files_below(&self.layout.input(Train))
    }

    fn read(&self, path: &str) -> String {
        fs_err::read_to_string(self.layout.input(Train).join(path)).expect("read")
    }
}

/// Every file below a folder, sorted.
fn files_below(root: &Utf8Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().expect("listed").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path().to_owned());
            } else {
                files.push(entry.path().strip_prefix(root).expect("below").to_string());
            }
        }
    }
    files.sort();
    files
}

fn sha256(path: &Utf8Path) -> String {
    let mut hasher = Sha256::new();
    let mut file = fs_err::File::open(path).expect("opened");
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut piece).expect("read");
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request_fault(error: &LoadError) -> &S3Fault {
    match error {
        LoadError::S3(S3Error::Request { fault, .. }) => fault,
        other => panic!("another fault: {other:?}"),
    }
}

#[test]
fn prefixes_keep_their_folders_and_only_changes_are_fetched() {
    let mut server = S3Server::start();
    server.bucket("data");
    for (key, text) in [
        ("sets/train/a.csv", "a"),
        ("sets/train/deep/er/b 나.csv", "bb"),
        ("sets/train/deep/", ""),
        ("sets/train/empty-folder/", ""),
        ("sets/train/empty.csv", ""),
        ("sets/training/not.csv", "no"),
        ("one.csv", "one"),
    ] {
        server.put("data", key, text);
    }
    let project = Project::of(&server);
    let local = project.layout.root().join("local");
    fs_err::create_dir_all(&local).expect("created");
    fs_err::write(local.join("c.csv"), "ccc").expect("written");
    let sources = ["s3://data/sets/train", "./local", "s3://data/one.csv"];
    let first = project.load(&sources);
    assert_eq!(
        project.input(),
        ["local/c.csv", "one.csv", "train/a.csv", "train/deep/er/b 나.csv", "train/empty.csv"]
    );
    assert_eq!((first.files, first.copied_files, first.copied_bytes), (5, 5, 9));
    assert_eq!(first.sources.iter().map(|source| source.source.as_str()).collect::<Vec<_>>(), sources);

    let again = project.load(&["s3://data/sets/train/", "./local", "s3://data/one.csv"]);
    assert_eq!((again.copied_files, &again.data_id), (0, &first.data_id));
    server.put("data", "sets/train/a.csv", "A");
    server.tell(&json!({"do": "delete", "bucket": "data", "key": "sets/train/deep/er/b 나.csv"}));
    let changed = project.load(&sources);
    assert_eq!((changed.files, changed.copied_files), (4, 1));
    assert_eq!(project.read("train/a.csv"), "A");
    assert!(!project.layout.input(Train).join("train/deep").exists());
    assert_ne!(changed.data_id, first.data_id);

    // What somebody does to the copy is put right again.
    fs_err::write(project.layout.input(Train).join("one.csv"), "two").expect("written");
    assert_eq!(project.load(&sources).copied_files, 1);
    assert_eq!(project.read("one.csv"), "one");
    // Without the manifest equal contents are recognised by their digests.
    fs_err::remove_dir_all(project.layout.root().join(".alo/input")).expect("removed");
    assert!(project.load(&sources).copied_files <= 1, "only the empty file may be asked for again");
}

#[test]
fn the_id_does_not_depend_on_where_the_data_lies() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.put("data", "x/set/a.csv", "a");
    server.put("data", "x/set/d/b.csv", "b");
    let project = Project::of(&server);
    let remote = project.load(&["s3://data/x/set"]);
    let other = Project::of(&server);
    for (path, text) in [("set/a.csv", "a"), ("set/d/b.csv", "b")] {
        let path = other.layout.root().join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs_err::write(path, text).expect("written");
    }
    assert_eq!(other.load(&["set"]).data_id, remote.data_id);
}

#[test]
fn what_is_not_there_or_cannot_be_a_file_is_an_error() {
    let mut server = S3Server::start();
    server.bucket("data");
    for key in
        ["only-marks/", "only-marks/x/", "odd/a//b", "up/../x", "both/a", "both/a/b", "long/f", "dot/./x"]
    {
        server.put("data", key, if key.ends_with('/') { "" } else { "x" });
    }
    server.put("data", &format!("long/{}", "n".repeat(300)), "x");
    let project = Project::of(&server);
    for missing in ["s3://data/none", "s3://data/only-marks/", "s3://data/on", "s3://data/long/"] {
        let error = project.fault(missing);
        let fits = if missing.contains("long") {
            matches!(&error, LoadError::S3(S3Error::Key { .. }))
        } else {
            matches!(&error, LoadError::S3(S3Error::Missing { .. }))
        };
        assert!(fits && error.hint().is_some(), "{missing}: {error:?}");
    }
    for odd in ["s3://data/odd", "s3://data/up", "s3://data/both", "s3://data/dot"] {
        let error = project.fault(odd);
        assert!(matches!(&error, LoadError::S3(S3Error::Key { .. })), "{odd}: {error:?}");
    }
    assert_eq!(project.input(), Vec::<String>::new());
    assert_eq!(request_fault(&project.fault("s3://no-such-bucket/x")), &S3Fault::NoBucket);
    assert!(matches!(project.fault("s3://no bucket/x"), LoadError::S3(S3Error::BucketName { .. })));
}

#[test]
fn five_thousand_objects_arrive() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.tell(&json!({"do": "many", "bucket": "data", "prefix": "set/", "count": 5000}));
    let project = Project::of(&server);
    let mut last = LoadProgress { files: 0, files_total: 0, bytes: 0, bytes_total: 0 };
    let access = project.access();
    let sources = check_sources(&[], &["s3://data/set".to_owned()], &access, &|| false).expect("there");
    let mut tell = |progress| last = progress;
    let before = peak();
    let loaded =
        load_data(&project.layout, Train, &sources, Fetch::Every, &|| false, &mut tell).expect("loaded");
    let after = peak();
    println!("peak memory: {before} kB before, {after} kB after 5,000 objects");
    assert!(after < 200_000, "peak {after} kB");
    assert_eq!((loaded.files, loaded.copied_files), (5000, 5000));
    assert_eq!((last.files, last.files_total, last.bytes), (5000, 5000, last.bytes_total));
    assert_eq!(project.input().len(), 5000);
    for number in [0, 7, 1234, 4999] {
        let path = format!("set/d{}/e{}/{number}.txt", number % 50, number % 7);
        assert_eq!(project.read(&path), number.to_string());
    }
    assert_eq!(project.load(&["s3://data/set"]).copied_files, 0);
}

#[test]
fn a_server_that_fails_stalls_and_breaks_off_gives_the_right_result() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.tell(&json!({"do": "many", "bucket": "data", "prefix": "set/", "count": 300}));
    let digest = server.put_large("data", "set/large.bin", 70 << 20);
    let proxy = FaultProxy::start(server.port(), Faults { busy: 10, stall: 97, cut: 31 });
    let mut variables = server.variables();
    variables[0].1 = proxy.url();
    let mut project = Project::new(variables);
    project.environment.stall_timeout = Duration::from_secs(5);
    let loaded = project.load(&["s3://data/set"]);
    assert_eq!((loaded.files, loaded.copied_files), (301, 301));
    assert_eq!(sha256(&project.layout.input(Train).join("set/large.bin")), digest);
    for number in 0..300 {
        let path = format!("set/d{}/e{}/{number}.txt", number % 50, number % 7);
        assert_eq!(project.read(&path), number.to_string());
    }
    assert!(proxy.requests() > 340, "faults were met");
    assert!(!project.input().iter().any(|file| file.contains(".alo-tmp-")));

    // Out, in parts: the object is whole, and no part is left behind.
    let artifacts = artifacts(&project, 40 << 20);
    let to = resolve_save_path("s3://data/out", &[], &project.access(), &project.layout).expect("fine");
    let exports = export(Train, &artifacts, &to, ArchiveFormat::TarGz, &|| false).expect("exported");
    assert_eq!(exports.files[1].path, "s3://data/out/model.tar.gz");
    let stored = server.tell(&json!({"do": "get", "bucket": "data", "key": "out/model.tar.gz"}));
    assert_eq!(stored[0].as_u64(), Some(exports.files[1].bytes));
    assert_eq!(server.tell(&json!({"do": "uploads", "bucket": "data"})), 0);
    let run = RunId::new("2026-01-01T00:00:00Z".parse().expect("a time"), 1, "x");
    let loaded = model(&project, "s3://data/out/", &run).expect("loaded");
    assert_eq!((loaded.files, loaded.bytes), (2, (40 << 20) + 1));
}

/// Artifacts with a model that cannot be compressed, in the folder where a run would have them.
fn artifacts(project: &Project, size: usize) -> ArtifactLayout {
    let root = project.layout.root().join(".alo/staging/x/train_artifacts");
    let artifacts = ArtifactLayout::new(root);
    fs_err::create_dir_all(artifacts.models()).expect("created");
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    });
    let noise: Vec<u8> = noise.take(size).collect();
    fs_err::write(artifacts.models().join("weights"), noise).expect("written");
    fs_err::write(artifacts.models().join("m"), "m").expect("written");
    artifacts
}

fn model(project: &Project, text: &str, run: &RunId) -> Result<LoadedModel, ModelError> {
    let source = ModelSource { text, bases: &[], s3: &project.access() };
    source.load(&project.layout, run, &Limits::default(), &|| false)
}

#[test]
fn models_come_from_prefixes_archives_and_folders_that_hold_one() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.put("data", "plain/train/m.pkl", "weights");
    server.put("data", "plain/scaler", "s");
    let project = Project::of(&server);
    let run = RunId::new("2026-01-01T00:00:00Z".parse().expect("a time"), 1, "x");
    let models = project.layout.artifacts(Train).models();
    assert_eq!(model(&project, "s3://data/plain/", &run).expect("loaded").files, 2);
    assert_eq!(files_below(&models), ["scaler", "train/m.pkl"]);

    let to = resolve_save_path("s3://data/", &[], &project.access(), &project.layout).expect("fine");
    let artifacts = artifacts(&project, 1000);
    let log = artifacts.process_log();
    fs_err::create_dir_all(log.parent().expect("a parent")).expect("created");
    fs_err::write(log, "log").expect("written");
    let exports = export(Inference, &artifacts, &to, ArchiveFormat::Zip, &|| false).expect("exported");
    assert_eq!(exports.files[0].path, "s3://data/inference_artifacts.zip");
    assert!(server.keys("data").contains(&"model.tar.gz".to_owned()));
    for text in ["s3://data/model.tar.gz", "s3://data/", "s3://data"] {
        assert_eq!(model(&project, text, &run).expect("loaded").source, "s3://data/model.tar.gz", "{text}");
        assert_eq!(files_below(&models), ["m", "weights"]);
    }
    let error = model(&project, "s3://data/none/", &run);
    assert!(error.expect_err("nothing there").hint().is_some());
    assert_eq!(files_below(&models), ["m", "weights"], "the previous model stays");
}

#[test]
fn what_was_complete_is_kept_when_loading_is_stopped() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.tell(&json!({"do": "many", "bucket": "data", "prefix": "set/", "count": 1000}));
    let project = Project::of(&server);
    let sources =
        check_sources(&[], &["s3://data/set".to_owned()], &project.access(), &|| false).expect("there");
    let arrived = std::cell::Cell::new(0);
    let stop = || arrived.get() >= 300;
    let stopped = load_data(&project.layout, Train, &sources, Fetch::Every, &stop, &mut |progress| {
        arrived.set(progress.files);
    });
    assert!(matches!(stopped, Err(LoadError::Cancelled)), "{stopped:?}");
    let there = project.input();
    assert!(there.len() >= 300 && !there.iter().any(|file| file.contains(".alo-tmp-")), "{}", there.len());
    assert_eq!(alo_artifacts::loaded_once(&project.layout, Train, &["s3://data/set".to_owned()]), None);
    let again = project.load(&["s3://data/set"]);
    assert_eq!((again.files, again.copied_files), (1000, 1000 - there.len() as u64));
}

#[test]
fn keys_are_checked_and_faults_say_what_to_do() {
    let mut server = S3Server::start();
    server.bucket("data");
    server.put("data", "set/a.csv", "a");
    let keys = server.tell(&json!({"do": "user"}));
    let (access, secret) = (keys[0].as_str().expect("a key"), keys[1].as_str().expect("a key"));
    let mut project = Project::of(&server);
    assert_eq!(request_fault(&project.fault("s3://data/set")), &S3Fault::UnknownKey);

    let file = project.layout.root().join("key.csv");
    fs_err::write(&file, format!("Access key ID,Secret access key\n{access},s3cr3t\n")).expect("written");
    project.permission.s3_private_key_file = Some("key.csv".to_owned());
    assert_eq!(request_fault(&project.fault("s3://data/set")), &S3Fault::WrongSecret);
    fs_err::write(&file, format!("Access key ID,Secret access key\n{access},{secret}\n")).expect("written");
    assert_eq!(project.load(&["s3://data/set"]).files, 1);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let variables = [
        ("AWS_ENDPOINT_URL", format!("http://user:s3cr3t@{closed}")),
        ("AWS_ACCESS_KEY_ID", "x".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s3cr3t".to_owned()),
    ];
    let project = Project::new(variables.map(|(name, value)| (name.to_owned(), value)).into());
    let error = project.fault("s3://data/set");
    assert!(matches!(request_fault(&error), S3Fault::Unreachable { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains(&closed.to_string())));
    let nobody = Project::new(vec![("AWS_EC2_METADATA_DISABLED".into(), "true".into())]);
    let error = nobody.fault("s3://data/set");
    assert_eq!(error.to_string(), "no S3 credentials were found for `s3://data`");
}

#[test]
fn one_large_object_takes_bounded_memory() {
    let mut server = S3Server::start();
    server.bucket("data");
    let digest = server.put_large("data", "set/large.bin", 300_000_000);
    let project = Project::of(&server);
    let before = peak();
    let loaded = project.load(&["s3://data/set"]);
    let after = peak();
    println!("peak memory: {before} kB before, {after} kB after an object of 300 MB");
    assert_eq!(loaded.bytes, 300_000_000);
    assert_eq!(sha256(&project.layout.input(Train).join("set/large.bin")), digest);
    assert!(after < 200_000, "peak {after} kB");
}

/// The most memory this process ever had, in kB.
fn peak() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
