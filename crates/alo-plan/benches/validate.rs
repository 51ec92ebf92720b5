//! How long it takes to load and check a plan: one of 300 lines, and ever longer ones, which must grow linearly.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A plan of that many steps, 15 lines each, in the shape that real plans have.
fn plan(steps: usize) -> String {
    let mut text = String::from(
        "name: bench\nversion: 1.0.0\nexternal_path:\n  - load_train_data_path: ./data/train\nuser_parameters:\n  - train_pipeline:\n",
    );
    for step in 0..steps {
        let _ = write!(
            text,
            "      - step: train{step}  ## 필수\n        args:\n          - x_columns: [Pclass, Sex, SibSp, Parch]\n            depth: {step}\n            \
             ratio: 0.5\n            note: \"a quoted text\"\n            drop_columns:\n            param_range: {{rf: {{max_depth: 6, n_estimators:[300, 500]}}}}\n"
        );
    }
    text.push_str("asset_source:\n  - train_pipeline:\n");
    for step in 0..steps {
        let _ = write!(
            text,
            "      - step: train{step}\n        source:\n          code: https://host/hub/train.git\n          branch: main\n          requirements:\n            \
             - pandas==1.5.3\n            - requirements.txt\n"
        );
    }
    text.push_str("control:\n  - get_asset_source: once\n  - backup_artifacts: True\n");
    text
}

fn validate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validate");
    let short = plan(20);
    assert!((290..=320).contains(&short.lines().count()));
    assert!(alo_plan::load_str(&short, "plan.yaml".into()).diagnostics.is_empty());
    group.throughput(Throughput::Bytes(short.len() as u64));
    group.bench_function("300 lines", |bench| {
        bench.iter(|| alo_plan::load_str(black_box(&short), "plan.yaml".into()));
    });
    group.sample_size(10);
    for steps in [1_250, 5_000, 20_000] {
        let text = plan(steps);
        group.throughput(Throughput::Elements(steps as u64));
        group.bench_with_input(BenchmarkId::new("steps", steps), &text, |bench, text| {
            bench.iter(|| alo_plan::load_str(black_box(text), "plan.yaml".into()));
        });
    }
    group.finish();
}

fn limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limits");
    group.sample_size(10);
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (anchor, alias) in ('b'..='j').zip('a'..='i') {
        let _ = writeln!(bomb, "{anchor}: &{anchor} [{}]", vec![format!("*{alias}"); 10].join(", "));
    }
    let nested = format!("name: {}{}", "[".repeat(200), "]".repeat(200));
    let scalar = format!("name: \"{}\"", "가나다 라".repeat((16 << 20) / 13 - 2));
    for (name, text) in [("alias bomb", bomb), ("200 deep", nested), ("16 MiB scalar", scalar)] {
        group.bench_function(name, |bench| {
            bench.iter(|| alo_plan::load_str(black_box(&text), "plan.yaml".into()));
        });
    }
    group.finish();
}

criterion_group!(benches, validate, limits);
criterion_main!(benches);
