//! Any plan, written as YAML and loaded again, is the same plan; and any text at all is answered without a panic.

use alo_plan::{
    ArchiveFormat, ArgDetail, ArgKind, Fetch, HandOffMode, Map, Pipeline, PipelineKind, Plan, Source, Step,
    Value, load_str,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Texts that look like something else, and any other text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "",
            " ",
            "yes",
            "No",
            "on",
            "~",
            "null",
            "none",
            "010",
            "0x1F",
            "1_000",
            "1e3",
            "1.",
            ".5",
            "-.inf",
            ".nan",
            "1:30",
            "190:20:30.5",
            "2022-08-22",
            "2022-02-30",
            "2001-12-14 21:59:43",
            "=",
            "<<",
            "-",
            "- a",
            "? a",
            ": a",
            "a: b",
            "a #b",
            "#a",
            "[a]",
            "{a: b}",
            "&a",
            "*a",
            "!a",
            "!!int 3",
            "|",
            ">",
            "@a",
            "`a",
            "%a",
            "\"",
            "'",
            "a\nb",
            "a\n",
            "\ta",
            "a\t",
            " a",
            "a ",
            "---",
            "...",
            "--- a",
            "\u{85}",
            "\u{2028}a",
            "\u{feff}",
            "\u{7f}",
            "\u{0}",
            "가나 다",
            "😀",
            "a\\b",
            "a,b",
            "http://host/a?b=c#d",
            "\u{fffe}",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "[1-9][0-9]{19,40}".prop_map(Value::BigInt),
        any::<f64>().prop_filter("not equal to itself", |number| !number.is_nan()).prop_map(Value::Float),
        text().prop_map(Value::String),
        vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        (1..9999_u32, 1..=12_u32, 1..=28_u32)
            .prop_map(|(y, m, d)| Value::Date(format!("{y:04}-{m:02}-{d:02}"))),
        (1..9999_u32, 0..24_u32, 0..60_u32, 1..1_000_000_u32)
            .prop_map(|(y, h, m, f)| Value::DateTime(format!("{y:04}-01-02T{h:02}:{m:02}:07.{f:06}+09:00"))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec((text(), inner), 0..5).prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

fn args() -> impl Strategy<Value = Map> {
    vec((prop_oneof![text().prop_map(Value::String), any::<i64>().prop_map(Value::Int)], value()), 0..6)
        .prop_map(|entries| entries.into_iter().collect())
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Local { path: None }),
        "\\./[a-z가-힣 _.-]{0,8}[a-z]".prop_map(|path| Source::Local { path: Some(path) }),
        ("https://[a-z]{1,8}/[a-z]{1,8}\\.git", option::of("[a-z0-9./_-]{0,8}[a-z0-9]"))
            .prop_map(|(url, reference)| Source::Git { url, reference }),
    ]
}

fn detail() -> impl Strategy<Value = ArgDetail> {
    (
        "[a-z_]{1,8}",
        option::of("[a-z가-힣]{1,3}( [a-z:#]{1,5})?"),
        proptest::sample::select(ArgKind::ALL.to_vec()),
        option::of(value().prop_filter("null is none", |value| *value != Value::Null)),
        vec(scalar(), 1..4),
        any::<bool>(),
    )
        .prop_map(|(name, description, kind, default, selectable, ranged)| {
            let mut detail = ArgDetail::new(name);
            detail.description = description;
            detail.kind = Some(kind);
            detail.default = default;
            detail.selectable = selectable;
            detail.range = ranged.then_some([Value::Int(-5), Value::Float(1e30)]);
            detail
        })
}

fn step(at: usize) -> impl Strategy<Value = Step> {
    (
        "[a-z가-힣_]{1,6}",
        args(),
        source(),
        vec(
            proptest::sample::select(vec!["pandas==1.5.3", "requirements.txt", "torch>=2 --force-reinstall"]),
            0..3,
        ),
        vec("[a-z0-9:-]{1,5}", 0..3),
        vec(detail(), 0..3),
    )
        .prop_map(move |(name, args, source, requirements, ui_args, details)| {
            let mut step = Step::new(format!("{name}{at}"));
            step.args = args;
            step.source = source;
            step.requirements = requirements.into_iter().map(str::to_owned).collect();
            step.ui_args = ui_args;
            step.ui_args_detail = details;
            step
        })
}

fn pipeline(kind: PipelineKind) -> impl Strategy<Value = Option<Pipeline>> {
    option::of(
        (step(1), option::of(step(2)))
            .prop_map(move |(first, second)| Pipeline::new(kind, std::iter::once(first).chain(second))),
    )
}

fn path() -> impl Strategy<Value = Option<String>> {
    option::of("(s3://bucket/|/|\\./)[a-z0-9가-힣#:_ -]{0,8}[a-z]/?")
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        option::of(text().prop_map(|name| name.trim().to_owned())),
        option::of(text().prop_map(|version| version.trim().to_owned())),
        pipeline(PipelineKind::Train),
        pipeline(PipelineKind::Inference),
        (path(), path(), path()),
        (any::<bool>(), any::<bool>(), any::<bool>(), 1..u64::from(u32::MAX)),
    )
        .prop_map(|(name, version, train, inference, (data, save, model), (once, zip, file, size))| {
            let mut plan = Plan::new("");
            plan.name = name;
            plan.version = version;
            plan.pipelines = train.into_iter().chain(inference).collect();
            plan.external.load_train_data_path = data.into_iter().collect();
            plan.external.save_inference_artifacts_path = save;
            plan.external.load_model_path = model;
            plan.permission.aws_key_profile = Some("010".to_owned());
            plan.control.get_asset_source = if once { Fetch::Once } else { Fetch::Every };
            plan.control.save_inference_format = if zip { ArchiveFormat::Zip } else { ArchiveFormat::TarGz };
            plan.control.interface_mode = if file { HandOffMode::File } else { HandOffMode::Memory };
            plan.control.backup_size = size;
            plan
        })
}

proptest! {
    #[test]
    fn a_plan_written_and_loaded_is_the_same_plan(plan in plan()) {
        let text = plan.to_yaml();
        let loaded = load_str(&text, "plan.yaml".into());
        prop_assert_eq!(loaded.plan.as_ref(), Some(&plan), "{}\n{:#?}", text, loaded.diagnostics);
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let loaded = load_str(&text, "plan.yaml".into());
        for fault in &loaded.diagnostics {
            prop_assert!(fault.span.is_none_or(|span| text.get(span.range()).is_some()));
        }
    }

    #[test]
    fn any_text_of_yaml_signs_is_answered(text in "[-?:,\\[\\]{}#&*!|>'\"%@` \t\n\rab1가.=<~]{0,60}") {
        let loaded = load_str(&text, "plan.yaml".into());
        alo_plan::render::render(&loaded, false);
        let _ = alo_plan::yaml::parse_value(&text);
    }
}
