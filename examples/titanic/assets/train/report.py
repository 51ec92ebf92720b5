"""The training report: one HTML page with its pictures (SVG) inside, made without a plotting package."""

from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Titanic: training report</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse }}
th, td {{ border: 1px solid #bbb; padding: .3rem .8rem; text-align: right }}
svg {{ width: 100%; height: auto }}
</style>
</head>
<body>
<h1>Titanic: training report</h1>
<p>{rows} passengers, accuracy <strong>{accuracy:.1%}</strong> by cross-validation.</p>
<h2>Predicted and true</h2>
{confusion}
<h2>What the model looks at</h2>
{importance}
<h2>Who survived</h2>
{survival}
</body>
</html>
"""


def page(passengers, y_column, guesses, accuracy, importance):
    """Gives the whole page as text."""
    pictures = ""
    for column in ("Sex", "Pclass"):
        if column in passengers:
            rates = passengers.groupby(column)[y_column].mean()
            pictures += bar_chart(f"Share of survivors by {column}", rates.items(), "{:.0%}")
    return _PAGE.format(
        rows=len(passengers),
        accuracy=accuracy,
        confusion=confusion(passengers[y_column], guesses),
        importance=bar_chart("Weight in the model", importance, "{:.2f}"),
        survival=pictures,
    )


def importances(model):
    """Gives (name, weight) for what the trained pipeline looks at, the heaviest first; weights add up to 1."""
    classifier = model["classify"]
    weights = getattr(classifier, "feature_importances_", None)
    if weights is None:
        weights = abs(classifier.coef_[0])
    names = [name.partition("__")[2] for name in model["prepare"].get_feature_names_out()]
    total = sum(weights) or 1.0
    return sorted(((name, weight / total) for name, weight in zip(names, weights)), key=lambda pair: -pair[1])


def confusion(truth, guesses):
    """Gives a table of how often each label was predicted for each true label."""
    labels = sorted(set(truth))
    rows = ["<tr><th>true \\ predicted</th>" + "".join(f"<th>{escape(str(label))}</th>" for label in labels) + "</tr>"]
    for label in labels:
        counts = [int(((truth == label) & (guesses == other)).sum()) for other in labels]
        rows.append(f"<tr><th>{escape(str(label))}</th>" + "".join(f"<td>{count}</td>" for count in counts) + "</tr>")
    return "<table>" + "".join(rows) + "</table>"


def bar_chart(title, bars, number):
    """Gives a picture (SVG) of horizontal bars; `number` is the format of the values, which run from 0 to 1 at most."""
    bars = list(bars)
    longest = max((value for _, value in bars), default=1.0) or 1.0
    parts = [f'<text x="0" y="18" font-weight="bold">{escape(title)}</text>']
    for place, (name, value) in enumerate(bars):
        top, length = 32 + 26 * place, 400 * value / longest
        parts.append(f'<text x="140" y="{top + 15}" text-anchor="end">{escape(str(name))}</text>')
        parts.append(f'<rect x="150" y="{top}" width="{length:.1f}" height="20" fill="#4477aa"/>')
        parts.append(f'<text x="{156 + length:.1f}" y="{top + 15}">{number.format(value)}</text>')
    height = 40 + 26 * len(bars)
    return f'<svg viewBox="0 0 620 {height}" role="img" font-family="sans-serif" font-size="14">{"".join(parts)}</svg>'
