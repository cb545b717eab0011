//! A table of text with aligned columns.

/// Rows of cells under a heading; the first column is aligned to the left, the others to the right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with nothing but its heading.
    pub fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
            if number == 0 {
                writeln!(f, "{}", "─".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)))?;
            }
        }
        Ok(())
    }
}

/// A number of bytes in the largest unit that keeps three digits.
pub fn bytes(count: u64) -> String {
    // CAST: only three digits are shown.
    let count_f = count as f64;
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count_f / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count_f / 1_048_576.0),
        _ => format!("{:.1} GiB", count_f / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["program", "fps"]);
        table.push(vec!["cube".to_owned(), "1234".to_owned()]);
        assert_eq!(table.to_string(), "program   fps\n─────────────\ncube     1234\n");
    }

    #[test]
    fn units() {
        assert_eq!([bytes(1023), bytes(1024), bytes(3 << 20)], ["1023 B", "1.0 KiB", "3.0 MiB"]);
    }
}
