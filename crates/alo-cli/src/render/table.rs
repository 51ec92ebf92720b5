//! Columns of text, aligned by the width that characters have on a terminal (Hangul has two).

use unicode_width::UnicodeWidthStr;

/// Lays rows out in columns, two spaces apart; the last column is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
            }
            line.trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn hangul_is_two_columns_wide() {
        let rows = [["건물", "1"], ["ab", "22"], ["x", "3"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), ["건물  1", "ab    22", "x     3"]);
    }
}
