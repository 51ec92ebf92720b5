//! A plan back to text: the effective plan, every default filled in, in the form of ALO 2.6.

use crate::model::{ArgDetail, Fetch, HandOffMode, Pipeline, Plan, Source, Step};
use crate::value::{Map, Value};
use crate::yaml::Emitter;

impl Plan {
    /// Writes the plan as YAML: loading the text gives an equal plan, and PyYAML reads the same values from it.
    ///
    /// `name` and `version` are left out when the plan has none.
    ///
    /// ```
    /// use alo_plan::{Pipeline, PipelineKind, Plan, Step, Value};
    ///
    /// let mut train = Step::new("train");
    /// train.args.insert("version", "010");
    /// let mut plan = Plan::new("orders");
    /// plan.pipelines.push(Pipeline::new(PipelineKind::Train, [train]));
    ///
    /// let text = plan.to_yaml();
    /// assert!(text.contains("- version: \"010\""));
    /// assert_eq!(alo_plan::load_str(&text, "plan.yaml".into()).plan, Some(plan));
    /// ```
    pub fn to_yaml(&self) -> String {
        let mut plan = Map::default();
        if let Some(name) = &self.name {
            plan.insert("name", name.as_str());
        }
        if let Some(version) = &self.version {
            plan.insert("version", version.as_str());
        }
        plan.insert("external_path", one_key_maps(self.external()));
        plan.insert(
            "external_path_permission",
            one_key_maps(vec![
                ("s3_private_key_file", text(self.permission.s3_private_key_file.as_deref())),
                ("aws_key_profile", text(self.permission.aws_key_profile.as_deref())),
            ]),
        );
        plan.insert("user_parameters", self.section(parameters));
        plan.insert("asset_source", self.section(source));
        plan.insert("control", one_key_maps(self.control_keys()));
        if self
            .pipelines
            .iter()
            .flat_map(|pipeline| &pipeline.steps)
            .any(|step| !step.ui_args_detail.is_empty())
        {
            plan.insert("ui_args_detail", self.details());
        }
        let mut emitter = Emitter::default();
        emitter.document(&plan);
        emitter.finish()
    }

    fn external(&self) -> Vec<(&'static str, Value)> {
        let external = &self.external;
        vec![
            ("load_train_data_path", texts(&external.load_train_data_path)),
            ("load_inference_data_path", texts(&external.load_inference_data_path)),
            ("save_train_artifacts_path", text(external.save_train_artifacts_path.as_deref())),
            ("save_inference_artifacts_path", text(external.save_inference_artifacts_path.as_deref())),
            ("load_model_path", text(external.load_model_path.as_deref())),
        ]
    }

    fn control_keys(&self) -> Vec<(&'static str, Value)> {
        let control = &self.control;
        let fetch = |fetch| match fetch {
            Fetch::Once => "once".into(),
            Fetch::Every => "every".into(),
        };
        let mode = match control.interface_mode {
            HandOffMode::Memory => "memory",
            HandOffMode::File => "file",
        };
        let size = i64::try_from(control.backup_size)
            .map_or_else(|_| Value::BigInt(control.backup_size.to_string()), Value::Int);
        vec![
            ("get_asset_source", fetch(control.get_asset_source)),
            ("get_external_data", fetch(control.get_external_data)),
            ("backup_artifacts", control.backup_artifacts.into()),
            ("backup_log", control.backup_log.into()),
            ("backup_size", size),
            ("interface_mode", mode.into()),
            ("save_inference_format", control.save_inference_format.as_str().into()),
            ("check_resource", control.check_resource.into()),
        ]
    }

    fn section(&self, step: fn(&Step) -> Map) -> Value {
        let pipelines = self.pipelines.iter();
        one_key_maps(pipelines.map(|pipeline| (pipeline.kind.key(), steps(pipeline, step))).collect())
    }

    fn details(&self) -> Value {
        let pipelines = self.pipelines.iter().map(|pipeline| {
            let described = pipeline.steps.iter().filter(|step| !step.ui_args_detail.is_empty());
            let steps: Vec<Value> = described
                .map(|step| {
                    let args: Vec<Value> = step.ui_args_detail.iter().map(detail).collect();
                    let mut map = Map::default();
                    map.insert("step", step.name.as_str());
                    map.insert("args", Value::List(args));
                    Value::Map(map)
                })
                .collect();
            (pipeline.kind.key(), Value::List(steps))
        });
        one_key_maps(pipelines.collect())
    }
}

/// The form of every section: a list of maps of one key.
fn one_key_maps(entries: Vec<(&str, Value)>) -> Value {
    Value::List(entries.into_iter().map(|entry| Value::Map(Map::from_iter([entry]))).collect())
}

fn steps(pipeline: &Pipeline, step: fn(&Step) -> Map) -> Value {
    Value::List(pipeline.steps.iter().map(|one| Value::Map(step(one))).collect())
}

fn parameters(step: &Step) -> Map {
    let mut map = Map::default();
    map.insert("step", step.name.as_str());
    let args = if step.args.is_empty() { Value::Null } else { Value::List(vec![step.args.clone().into()]) };
    map.insert("args", args);
    if !step.ui_args.is_empty() {
        map.insert("ui_args", texts(&step.ui_args));
    }
    map
}

fn source(step: &Step) -> Map {
    let (code, branch) = match &step.source {
        Source::Git { url, reference } => (url.as_str(), text(reference.as_deref())),
        Source::Local { path } => (path.as_deref().unwrap_or("local"), Value::Null),
    };
    let mut source = Map::default();
    source.insert("code", code);
    source.insert("branch", branch);
    source.insert(
        "requirements",
        Value::List(step.requirements.iter().map(|one| one.as_str().into()).collect()),
    );
    let mut map = Map::default();
    map.insert("step", step.name.as_str());
    map.insert("source", source);
    map
}

fn detail(detail: &ArgDetail) -> Value {
    let mut map = Map::default();
    map.insert("name", detail.name.as_str());
    map.insert("description", text(detail.description.as_deref()));
    map.insert("type", text(detail.kind.map(crate::model::ArgKind::as_str)));
    map.insert("default", detail.default.clone().unwrap_or(Value::Null));
    if let Some(range) = &detail.range {
        map.insert("range", Value::List(range.to_vec()));
    }
    if !detail.selectable.is_empty() {
        map.insert("selectable", Value::List(detail.selectable.clone()));
    }
    Value::Map(map)
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn texts(texts: &[String]) -> Value {
    match texts {
        [] => Value::Null,
        texts => Value::List(texts.iter().map(|text| text.as_str().into()).collect()),
    }
}
