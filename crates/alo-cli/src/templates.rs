//! The files that `alo init` and `alo asset new` write.

use std::borrow::Cow;

/// A file of a new project.
pub(crate) struct File {
    /// Its place in the project.
    pub(crate) path: &'static str,
    /// What it says.
    pub(crate) content: Cow<'static, str>,
}

/// The code of a new step: passes on what it gets.
pub(crate) const STEP: &str = include_str!("../templates/asset_step.py");

/// A small project without requirements: it runs offline and at once. `schema` is for editors, which find it offline, too.
pub(crate) fn starter(name: &str, schema: String) -> Vec<File> {
    let quoted = serde_json::Value::from(name).to_string();
    let plan = include_str!("../templates/experimental_plan.yaml").replace("{name}", &quoted);
    vec![
        File { path: "experimental_plan.yaml", content: plan.into() },
        File { path: "experimental_plan.schema.json", content: (schema + "\n").into() },
        fixed("assets/train/asset_train.py", include_str!("../templates/asset_train.py")),
        fixed("assets/inference/asset_inference.py", include_str!("../templates/asset_inference.py")),
        fixed("sample_data/train/numbers.csv", include_str!("../templates/train_numbers.csv")),
        fixed("sample_data/test/numbers.csv", include_str!("../templates/test_numbers.csv")),
    ]
}

macro_rules! example {
    ($($path:literal),* $(,)?) => {
        vec![$(fixed($path, include_str!(concat!("../templates/titanic/", $path)))),*]
    };
}

/// The Titanic example, as it lies in `examples/titanic`.
pub(crate) fn titanic() -> Vec<File> {
    example![
        "README.md",
        "experimental_plan.yaml",
        "assets/input/asset_input.py",
        "assets/train/asset_train.py",
        "assets/train/report.py",
        "assets/inference/asset_inference.py",
        "assets/output/asset_output.py",
        "sample_data/README.md",
        "sample_data/train/train.csv",
        "sample_data/test/test.csv",
    ]
}

fn fixed(path: &'static str, content: &'static str) -> File {
    File { path, content: Cow::Borrowed(content) }
}
