//! Columns of text, aligned by the width that characters have on a terminal (Hangul has two).

use unicode_width::UnicodeWidthStr;

/// Lays rows out in columns, two spaces apart; the last column is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; count];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, widest) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
            }
            line.truncate(line.trim_end().len());
            line
        })
        .collect()
}

/// Columns of a terminal. Tables may have thousands of rows, most of which need no look at each character.
fn width(cell: &str) -> usize {
    let is_plain = cell.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain { cell.len() } else { cell.width() }
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
