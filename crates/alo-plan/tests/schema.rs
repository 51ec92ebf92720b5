//! The JSON Schema: checked in, taken by every plan that is right, and refusing every wrong shape where it is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use alo_plan::{Code, load};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value as Json;

/// Faults that are a matter of shape, which a schema can tell.
const SHAPE: [Code; 5] =
    [Code::WrongType, Code::WrongValue, Code::UnknownKey, Code::UnknownSection, Code::UnknownPipeline];

fn corpus(folder: &str) -> Vec<Utf8PathBuf> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let paths = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    paths.filter(|path| path.extension() == Some("yaml")).collect()
}

fn document(path: &Utf8Path) -> Json {
    let text = fs_err::read_to_string(path).unwrap();
    serde_json::to_value(alo_plan::yaml::parse_value(&text).unwrap()).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&alo_plan::schema()).unwrap()
}

#[test]
fn the_schema_is_checked_in() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
    let now = format!("{:#}\n", alo_plan::schema());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs_err::write(&path, &now).unwrap();
    }
    let recorded = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        recorded == now,
        "docs/plan.schema.json is out of date: UPDATE_GENERATED=1 cargo test -p alo-plan --test schema"
    );
}

#[test]
fn the_schema_is_one_of_2020_12() {
    assert_eq!(alo_plan::schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::meta::validate(&alo_plan::schema()).unwrap();
}

#[test]
fn every_plan_that_is_right_is_right_by_the_schema() {
    let validator = validator();
    for path in corpus("valid").into_iter().chain(corpus("corrected")) {
        let document = document(&path);
        let errors: Vec<_> =
            validator.iter_errors(&document).map(|e| format!("{} {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{path}: {errors:?}");
    }
}

#[test]
fn every_wrong_shape_is_refused_at_the_same_place() {
    let validator = validator();
    let mut seen = 0;
    for path in corpus("invalid") {
        let fault = load(&path).diagnostics.remove(0);
        if !SHAPE.contains(&fault.code) {
            continue;
        }
        seen += 1;
        let document = document(&path);
        let places: Vec<_> = validator.iter_errors(&document).flat_map(|error| places(&error)).collect();
        assert!(places.contains(&fault.pointer), "{path}: {} is not among {places:?}", fault.pointer);
    }
    assert!(seen >= 15, "only {seen} wrong shapes were tried");
}

/// Where an error is; an unknown key is at the key, not at its map. Alternatives are looked into.
fn places(error: &jsonschema::ValidationError<'_>) -> Vec<String> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let at = error.instance_path().to_string();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|key| format!("{at}/{key}")).collect()
        }
        Kind::AnyOf { context } => context.iter().flatten().flat_map(places).collect(),
        _ => vec![at],
    }
}

#[test]
fn an_editor_finds_descriptions_defaults_and_choices() {
    let schema = alo_plan::schema();
    let control = &schema["properties"]["control"];
    let mode = &control["properties"]["interface_mode"];
    assert_eq!(mode["default"], "memory", "{control:#}");
    assert_eq!(mode["enum"], serde_json::json!(["memory", "file", null]));
    assert!(mode["description"].as_str().unwrap().contains("step to step"));
    assert_eq!(control["properties"]["reset_assets"]["deprecated"], true);
}
