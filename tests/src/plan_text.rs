//! Plans and assets as text, as short as a test needs them.

/// A plan of local steps.
#[derive(Default)]
pub struct PlanText {
    external: Vec<String>,
    control: Vec<String>,
    pipelines: Vec<(&'static str, Vec<Step>)>,
}

struct Step {
    name: String,
    args: String,
    code: String,
    requirements: String,
}

impl PlanText {
    /// A plan with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the train pipeline.
    #[must_use]
    pub fn train(self, steps: &[&str]) -> Self {
        self.pipeline("train_pipeline", steps)
    }

    /// Adds the inference pipeline.
    #[must_use]
    pub fn inference(self, steps: &[&str]) -> Self {
        self.pipeline("inference_pipeline", steps)
    }

    fn pipeline(mut self, key: &'static str, steps: &[&str]) -> Self {
        let step = |name: &&str| Step {
            name: (*name).to_owned(),
            args: String::new(),
            code: "local".into(),
            requirements: "[]".into(),
        };
        self.pipelines.push((key, steps.iter().map(step).collect()));
        self
    }

    /// Gives a step of the pipeline added last its arguments, as a YAML flow map.
    #[must_use]
    pub fn args(mut self, step: &str, args: &str) -> Self {
        self.step(step).args = format!("[{args}]");
        self
    }

    /// Gives a step of the pipeline added last another source.
    #[must_use]
    pub fn code(mut self, step: &str, code: &str) -> Self {
        self.step(step).code = code.to_owned();
        self
    }

    /// Gives a step of the pipeline added last its requirements, as a YAML flow list.
    #[must_use]
    pub fn requirements(mut self, step: &str, requirements: &str) -> Self {
        self.step(step).requirements = requirements.to_owned();
        self
    }

    /// Adds a key of `external_path`.
    #[must_use]
    pub fn external(mut self, key: &str, value: &str) -> Self {
        self.external.push(format!("    - {key}: {value}\n"));
        self
    }

    /// Adds a key of `control`.
    #[must_use]
    pub fn control(mut self, key: &str, value: &str) -> Self {
        self.control.push(format!("    - {key}: {value}\n"));
        self
    }

    fn step(&mut self, name: &str) -> &mut Step {
        let (_, steps) = self.pipelines.last_mut().expect("a pipeline");
        steps.iter_mut().find(|step| step.name == name).expect("that step")
    }
}

impl std::fmt::Display for PlanText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "name: test\nexternal_path:\n{}", self.external.concat())?;
        if self.external.is_empty() {
            writeln!(f, "    - load_train_data_path:")?;
        }
        writeln!(f, "user_parameters:")?;
        for (key, steps) in &self.pipelines {
            writeln!(f, "    - {key}:")?;
            for step in steps {
                writeln!(f, "        - step: {}\n          args: {}", step.name, step.args)?;
            }
        }
        writeln!(f, "asset_source:")?;
        for (key, steps) in &self.pipelines {
            writeln!(f, "    - {key}:")?;
            for Step { name, code, requirements, .. } in steps {
                writeln!(f, "        - step: {name}\n          source:\n            code: {code}")?;
                writeln!(f, "            branch:\n            requirements: {requirements}")?;
            }
        }
        write!(f, "control:\n    - get_asset_source: once\n{}", self.control.concat())
    }
}

/// An asset of 2.x whose `run` does this before it hands on what it got. `self.data` and `self.config` are there.
pub fn asset(run: &str) -> String {
    let body: String = run.lines().map(|line| format!("        {line}\n")).collect();
    format!(
        "from alolib.asset import Asset\n\n\n\
         class UserAsset(Asset):\n    \
             def __init__(self, asset_structure):\n        \
                 super().__init__(asset_structure)\n        \
                 self.args = self.asset.load_args()\n        \
                 self.config = self.asset.load_config()\n        \
                 self.data = self.asset.load_data()\n\n    \
             @Asset.decorator_run\n    \
             def run(self):\n{body}        \
                 self.asset.save_data(self.data)\n        \
                 self.asset.save_config(self.config)\n"
    )
}
