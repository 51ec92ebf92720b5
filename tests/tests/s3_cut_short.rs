//! Loads from S3 and exports to it that a kill or Ctrl-C cuts short, through the built program: no half file or object
//! counts, the next run is right, and it fetches only what is missing.

use alo_tests::{FaultProxy, Faults, PlanText, S3Server, TestEnv, asset, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

const SMALL: usize = 60;
/// From 64 MiB on an object comes in parts.
const LARGE: u64 = 66 << 20;

/// A project before a server that can be made to hang.
struct Remote {
    env: TestEnv,
    server: S3Server,
    proxy: FaultProxy,
}

impl Remote {
    fn new(plan: PlanText, run: &str) -> Self {
        let mut server = S3Server::start();
        server.bucket("contents");
        let proxy = FaultProxy::start(server.port(), Faults::default());
        let mut env = TestEnv::new();
        for (name, value) in server.variables() {
            let value = if name == "AWS_ENDPOINT_URL" { proxy.url() } else { value };
            env = env.with_variable(&name, value);
        }
        env.plan(&plan);
        env.write("assets/train/asset_train.py", asset(run));
        Self { env, server, proxy }
    }

    /// Starts a run and ends it when so many requests of that method have passed and others hang.
    fn cut_short(&self, method: &'static str, pass: u32, signal: Signal) {
        self.proxy.hold(method, pass);
        let mut run = self.env.start(["run"]);
        eventually("requests hang", || self.proxy.held() > 0);
        kill_process(Pid::from_child(&run), signal).unwrap();
        let ended = run.wait().unwrap();
        let code = (signal == Signal::INT).then_some(130);
        assert_eq!(ended.code(), code, "{signal:?} after {pass} of {method}");
        self.proxy.release();
    }

    /// The files below `input/train/set` that have a name of their own, each compared with its object.
    fn whole_files(&self) -> usize {
        let there = |name: &str| self.env.path("input/train/set").join(name);
        let small = (0..SMALL).filter(|number| {
            let path = there(&format!("d{}/{number}.txt", number % 5));
            path.exists() && {
                assert_eq!(fs_err::read_to_string(&path).unwrap(), content(*number), "{path}");
                true
            }
        });
        let small = small.count();
        let large = there("large.bin");
        if large.exists() {
            assert_eq!(fs_err::metadata(&large).unwrap().len(), LARGE);
        }
        small + usize::from(large.exists())
    }
}

fn content(number: usize) -> String {
    format!("{number} ").repeat(number * 50)
}

#[test]
fn a_load_that_is_cut_short_goes_on_where_it_was() {
    let plan = PlanText::new().external("load_train_data_path", "s3://contents/set/").train(&["train"]);
    let mut remote = Remote::new(plan, "pass");
    for number in 0..SMALL {
        remote.server.put("contents", &format!("set/d{}/{number}.txt", number % 5), &content(number));
    }
    remote.server.put_large("contents", "set/large.bin", LARGE);
    // Three requests list what is there; the large object comes last, in nine parts.
    let all = 3 + u32::try_from(SMALL).unwrap();
    let mut least = usize::MAX;
    let mut most = 0;
    for (pass, signal) in [
        (3, Signal::KILL),
        (3 + 7, Signal::KILL),
        (3 + 40, Signal::KILL),
        (3 + 40, Signal::INT),
        (all, Signal::KILL),
        (all + 4, Signal::KILL),
        (all + 4, Signal::INT),
    ] {
        for folder in ["input", ".alo"] {
            fs_err::remove_dir_all(remote.env.path(folder)).ok();
        }
        remote.cut_short("GET", pass, signal);
        let there = remote.whole_files();
        (least, most) = (least.min(there), most.max(there));
        let events = remote.env.alo(["run", "--format", "json"]).expect(0).events();
        let loaded = events.iter().find(|event| event["event"] == "data_loaded").unwrap();
        let counts = |name: &str| usize::try_from(loaded[name].as_u64().unwrap()).unwrap();
        assert_eq!(counts("files"), SMALL + 1, "{signal:?} after {pass}");
        assert_eq!(counts("copied"), SMALL + 1 - there, "{signal:?} after {pass}");
        assert_eq!(remote.whole_files(), SMALL + 1);
        let left = walk(&remote.env.path("input/train"));
        assert!(!left.iter().any(|path| path.contains(".alo-tmp-")), "{left:?}");
    }
    assert!(least == 0 && most == SMALL, "the moments were {least} to {most} files apart");
}

/// The paths of all files below a folder.
fn walk(folder: &camino::Utf8Path) -> Vec<String> {
    let entries = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path.into_string()] }).collect()
}

/// A project that has exported a model that cannot be compressed, in several parts.
fn exported() -> Remote {
    let plan = PlanText::new().external("save_train_artifacts_path", "s3://contents/out/").train(&["train"]);
    let run = "import os\nopen(self.asset.get_model_path() + 'm', 'wb').write(os.urandom(20_000_000))";
    let remote = Remote::new(plan, run);
    remote.env.alo(["run"]).expect(0);
    remote
}

impl Remote {
    /// Every exported object with its length and digest.
    fn objects(&mut self) -> Vec<(String, Json)> {
        let keys = self.server.keys("contents");
        let get = |key: String| {
            let object = self.server.tell(&json!({"do": "get", "bucket": "contents", "key": key}));
            (key, object)
        };
        keys.into_iter().map(get).collect()
    }

    /// How many uploads the server knows that have not ended.
    fn uploads(&mut self) -> Json {
        self.server.tell(&json!({"do": "uploads", "bucket": "contents"}))
    }

    /// How many uploads are written down.
    fn written_down(&self) -> usize {
        walk(&self.env.path(".alo/uploads")).len()
    }

    #[track_caller]
    fn exports_anew(&mut self, before: &[(String, Json)]) -> alo_tests::Outcome {
        let outcome = self.env.alo(["run"]).expect(0);
        let after = self.objects();
        assert_eq!(after.len(), before.len());
        for (old, new) in before.iter().zip(&after).filter(|(old, _)| old.0.ends_with(".tar.gz")) {
            assert!(old.0 == new.0 && old.1 != new.1, "{old:?} {new:?}");
        }
        assert_eq!((self.uploads(), self.written_down()), (json!(0), 0));
        outcome
    }
}

#[test]
fn ctrl_c_takes_back_the_parts_of_an_upload() {
    let mut remote = exported();
    let before = remote.objects();
    // Before the first part, and in the middle of the second archive.
    for pass in [0, 1, 4] {
        let before_this = remote.objects();
        remote.cut_short("PUT", pass, Signal::INT);
        assert_eq!((remote.uploads(), remote.written_down()), (json!(0), 0), "after {pass}");
        let changed = remote.objects().iter().zip(&before_this).filter(|(new, old)| new != old).count();
        assert_eq!(changed, usize::from(pass == 4), "after {pass}");
    }
    remote.exports_anew(&before);
}

#[test]
fn a_kill_leaves_the_old_object_and_the_next_export_takes_back_the_parts() {
    let mut remote = exported();
    let before = remote.objects();
    remote.cut_short("PUT", 2, Signal::KILL);
    assert_eq!((remote.uploads(), remote.written_down()), (json!(1), 1));
    assert_eq!(remote.objects(), before);
    let outcome = remote.exports_anew(&before);
    let url = "s3://contents/out/train_artifacts.tar.gz";
    outcome.says(&format!("aborted an upload to `{url}` that a killed run had left"));

    // One that somebody has aborted meanwhile is nothing to tell.
    remote.cut_short("PUT", 2, Signal::KILL);
    remote.server.tell(&json!({"do": "abort", "bucket": "contents"}));
    remote.exports_anew(&before).says_not("that a killed run had left");
}
