//! What opens doors stands nowhere but where the user has put it: not in any output, log, record, lock or cache.
#![expect(clippy::print_stderr, reason = "a test that cannot be done here says so")]

use alo_tests::{IndexServer, Outcome, PlanText, Repository, S3Server, TestEnv, asset, wheel};
use camino::{Utf8Path, Utf8PathBuf};

use crate::http_backend::{HttpBackend, Manners};

#[path = "../../crates/alo-assets/tests/setup/git_machine.rs"]
mod git_machine;
#[path = "../../crates/alo-assets/tests/setup/http_backend.rs"]
mod http_backend;

/// Every secret of these tests contains it.
const MARK: &str = "s3cr3t";
/// The same in base64, as in an `Authorization` header, at each of the three places where it can begin.
const ENCODED: [&str; 3] = ["czNjcjN0", "MzY3Izd", "zM2NyM3"];

/// All that can be said about the project, and is.
fn everything_said(env: &TestEnv) -> Vec<Outcome> {
    let commands: [&[&str]; 16] = [
        &["run"],
        &["run", "--format", "json"],
        &["fetch"],
        &["fetch", "--format", "json"],
        &["update"],
        &["update", "--format", "json"],
        &["run", "--locked", "--offline"],
        &["cache", "info"],
        &["cache", "info", "--format", "json"],
        &["history"],
        &["history", "--format", "json"],
        &["history", "show", "latest", "--logs"],
        &["history", "show", "latest", "--format", "json", "--logs"],
        &["validate", "--assets"],
        &["validate", "--format", "json"],
        &["validate", "--format", "github"],
    ];
    commands.iter().map(|command| env.alo(*command)).collect()
}

fn is_leaked(content: &[u8]) -> bool {
    let mut forms = ENCODED.iter().chain([&MARK]);
    forms.any(|form| content.windows(form.len()).any(|part| part == form.as_bytes()))
}

/// Fails if a secret stands in what was said, or in a file that is not one of the user's own.
#[track_caller]
fn nowhere(env: &TestEnv, said: &[Outcome], own: &[Utf8PathBuf]) {
    for outcome in said {
        assert!(!is_leaked(format!("{outcome:?}").as_bytes()), "{outcome:?}");
    }
    let mut folders = vec![env.root().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().to_owned();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if entry.file_type().unwrap().is_file() && !own.contains(&path) {
                files += 1;
                let content = fs_err::read(&path).unwrap();
                assert!(!is_leaked(&content), "{path}: {}", String::from_utf8_lossy(&content));
            }
        }
    }
    assert!(files > 5, "history has its files");
}

/// What was kept of the plan can be read, and says as little.
fn kept_plan(env: &TestEnv) -> Utf8PathBuf {
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    Utf8Path::new(run["folder"].as_str().unwrap()).join("experimental_plan.yaml")
}

#[test]
fn no_secret_of_a_plan_that_fails_is_written_or_printed() {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .train(&["train"])
        .code("train", "http://bob:s3cr3t-password@localhost:1/x.git")
        .requirements("train", "['six @ git+https://s3cr3t-token@localhost:1/six.git']");
    env.plan(&plan);
    let said = everything_said(&env);
    assert_eq!(said[0].code, Some(1), "{:?}", said[0]);
    nowhere(&env, &said, &[env.path("experimental_plan.yaml")]);
    env.alo(["validate", kept_plan(&env).as_str()]).expect(0);
}

/// `basic` of a server that knows `user:password`, in base64.
fn guarded(root: &Utf8Path, basic: &str) -> Option<HttpBackend> {
    HttpBackend::start(root, Manners { authorization: Some(basic.to_owned()), ..Manners::default() })
}

#[test]
fn no_secret_that_opens_repositories_and_indexes_is_written_or_printed() {
    let env = TestEnv::new();
    for step in ["input", "train"] {
        let code = Repository::new(&env.root().join("srv").join(step), "main");
        let requirements = "--extra-index-url INDEX\nwheel_of_requirements\n";
        let run = "import wheel_of_requirements, wheel_of_machine\nprint('ran', wheel_of_machine.name)";
        code.commit(&[
            (&format!("asset_{step}.py"), &asset(run)),
            ("requirements.txt", &requirements.replace("INDEX", "${EXTRA_INDEX}")),
        ]);
    }
    wheel(&env.root().join("wheels/plan"), "wheel_of_requirements", "1.0", "");
    wheel(&env.root().join("wheels/machine"), "wheel_of_machine", "1.0", "name = 'a wheel'\n");
    // `bob:s3cr3t-url`, `oauth2:s3cr3t-token`, `me:s3cr3t-plan`, `me:s3cr3t-machine`
    let srv = env.root().join("srv");
    let (Some(by_url), Some(by_token)) =
        (guarded(&srv, "Basic Ym9iOnMzY3IzdC11cmw="), guarded(&srv, "Basic b2F1dGgyOnMzY3IzdC10b2tlbg=="))
    else {
        eprintln!("not run: this machine has no git program to serve a repository");
        return;
    };
    let extra = IndexServer::start(&env.root().join("wheels/plan"), "Basic bWU6czNjcjN0LXBsYW4=");
    let index = IndexServer::start(&env.root().join("wheels/machine"), "Basic bWU6czNjcjN0LW1hY2hpbmU=");
    let plan = PlanText::new()
        .train(&["input", "train"])
        .code("input", &by_url.url("input/.git").replace("//", "//bob:s3cr3t-url@"))
        .requirements(
            "input",
            &format!("['wheel_of_requirements --extra-index-url {}']", extra.url("me:s3cr3t-plan@")),
        )
        .code("train", &by_token.url("train/.git"))
        .requirements("train", "[requirements.txt, wheel_of_machine]");
    env.plan(&plan);
    let env = env
        .with_variable("ALO_GIT_TOKEN", "s3cr3t-token")
        .with_variable("EXTRA_INDEX", extra.url("me:s3cr3t-plan@"))
        .with_variable("PIP_INDEX_URL", index.url("me:s3cr3t-machine@"));
    let said = everything_said(&env);
    for outcome in &said {
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
    }
    assert!(index.served() > 0 && extra.served() > 0);
    for server in [&by_url, &by_token] {
        let requests = server.requests.lock().unwrap();
        assert!(requests.iter().any(|(_, authorization)| authorization.is_some()), "{requests:?}");
    }
    nowhere(&env, &said, &[env.path("experimental_plan.yaml")]);
    env.alo(["validate", kept_plan(&env).as_str()]).expect(0);
}

#[test]
fn no_key_of_s3_is_written_or_printed() {
    let mut server = S3Server::start();
    server.bucket("contents");
    server.put("contents", "data/a.csv", "1");
    let env = TestEnv::new()
        .with_variable("AWS_ENDPOINT_URL", server.url())
        .with_variable("AWS_REGION", "us-east-1");
    env.write("assets/train/asset_train.py", asset("pass"));
    let plan = PlanText::new()
        .train(&["train"])
        .external("load_train_data_path", "s3://contents/data/")
        .external("save_train_artifacts_path", "s3://contents/out/")
        .to_string();
    let keys = env.root().join("keys.csv");
    fs_err::write(&keys, "Access key ID,Secret access key\nkey-of-file,s3cr3t-of-file\n").unwrap();
    let by_file = format!("{plan}external_path_permission:\n    - s3_private_key_file: {keys}\n");
    env.plan(by_file);
    let own = [env.path("experimental_plan.yaml"), keys];
    let said = everything_said(&env);
    assert_eq!(said[0].code, Some(0), "{:?}", said[0]);
    nowhere(&env, &said, &own);

    env.plan(plan);
    env.alo(["run"]).expect(1);
    let env = env
        .with_variable("AWS_ACCESS_KEY_ID", "key-of-variable")
        .with_variable("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-variable");
    let said = everything_said(&env);
    assert_eq!(said[0].code, Some(0), "{:?}", said[0]);
    nowhere(&env, &said, &own);
}
