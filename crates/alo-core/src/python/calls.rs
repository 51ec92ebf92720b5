//! The asset API as a worker asks for it: each call is one method of [`StepContext`].

use alo_plan::Value;
use camino::Utf8PathBuf;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::message::Call;
use super::value::{from_json, given, map_to_json, to_json};
use crate::context::with_slash;
use crate::context::{Absent, ArgumentType, CustomConfig, GivenSummary, Offer, Refusal, StepContext};
use crate::event::Level;

/// Does what the asset asks for.
pub(super) fn answer(context: &mut StepContext<'_>, call: Call) -> Result<Json, Refusal> {
    context.called_from(call.at);
    let arguments = call.arguments;
    match call.name.as_str() {
        "load_args" => Ok(map_to_json(context.args())),
        "load_envs" => Ok(map_to_json(&context.envs())),
        "check_args" => check_args(context, &arguments),
        "load_data" => {
            let LoadData { partial_load } = read(arguments)?;
            Ok(json!(context.data_keys(&partial_load)?))
        }
        "save_data" => {
            Ok(json!({ "wrap": context.accept_data(read::<OfferArguments>(arguments)?.offer())? }))
        }
        "save_config" => {
            context.accept_config(read::<OfferArguments>(arguments)?.offer()).map(|()| json!({}))
        }
        "save_summary" => {
            let field = |name: &str| given(arguments.get(name).unwrap_or(&Json::Null));
            let summary = GivenSummary {
                result: field("result"),
                score: field("score"),
                note: field("note"),
                probability: field("probability"),
            };
            context.accept_summary(summary).map(|()| Json::Null)
        }
        "load_summary" => Ok(map_to_json(&context.load_summary()?)),
        "get_input_path" => context.input_path().map(path),
        "get_output_path" => context.output_path().map(path),
        "get_extra_output_path" => context.extra_output_path().map(path),
        "get_report_path" => context.report_path().map(path),
        "get_model_path" => {
            let own = read::<ModelPath>(arguments)?.use_inference_path;
            if own { context.inference_model_path() } else { context.model_path() }.map(path)
        }
        "read_custom_config" => Ok(match context.read_custom_config(&read::<Path>(arguments)?.path)? {
            CustomConfig::Ini(file) => json!({ "ini": file }),
            CustomConfig::Yaml(value) => json!({ "yaml": to_json(&value) }),
        }),
        "log" => log(context, read(arguments)?),
        "step_end" => context.end_step().map(|()| json!({})),
        unknown => Err(Refusal::contract(format!("this alo knows no call `{unknown}`"))),
    }
}

fn check_args(context: &StepContext<'_>, arguments: &Json) -> Result<Json, Refusal> {
    let text = |name: &str| arguments.get(name).and_then(Json::as_str);
    let key = text("arg_key").ok_or_else(|| Refusal::type_of("arg_key must be a str"))?;
    let chng_type = text("chng_type").ok_or_else(|| Refusal::type_of("chng_type must be a str"))?;
    let wanted = ArgumentType::parse(chng_type)?;
    let required =
        matches!(from_json(arguments.get("is_required").unwrap_or(&Json::Null)), Value::Bool(true));
    let default = arguments.get("default").unwrap_or(&Json::Null);
    let absent = if required {
        Absent::Refuse
    } else {
        let given = given(default);
        let is_null = matches!(context.args().get(key), None | Some(Value::Null));
        match given.value {
            None if is_null => return Ok(json!({ "$default": true })),
            None => Absent::Default(Value::Null),
            Some(value) => Absent::Default(value),
        }
    };
    context.check_arg(key, &absent, wanted).map(|value| to_json(&value))
}

fn log(context: &mut StepContext<'_>, Log { level, message, show }: Log) -> Result<Json, Refusal> {
    let level = match level.as_str() {
        "info" => Level::Info,
        "warning" => Level::Warning,
        _ => Level::Error,
    };
    context.say(level, &message, show);
    if level == Level::Error { Err(Refusal::contract(message)) } else { Ok(Json::Null) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over what the context returns")]
fn path(folder: Utf8PathBuf) -> Json {
    Json::String(with_slash(&folder))
}

fn read<T: DeserializeOwned>(arguments: Json) -> Result<T, Refusal> {
    serde_json::from_value(arguments).map_err(|error| Refusal::type_of(format!("a wrong argument: {error}")))
}

#[derive(Deserialize)]
struct LoadData {
    partial_load: String,
}

#[derive(Deserialize)]
struct OfferArguments {
    #[serde(rename = "type")]
    type_name: String,
    is_dict: bool,
    keys: Vec<String>,
}

impl OfferArguments {
    fn offer(self) -> Offer {
        Offer { type_name: self.type_name, is_dict: self.is_dict, keys: self.keys }
    }
}

#[derive(Deserialize)]
struct ModelPath {
    use_inference_path: bool,
}

#[derive(Deserialize)]
struct Path {
    path: String,
}

#[derive(Deserialize)]
struct Log {
    level: String,
    message: String,
    show: bool,
}
