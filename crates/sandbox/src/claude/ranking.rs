//! Reading the table of a prompt and ranking it, from `below` and `n` alone.

/// One row of the table: its number, how many customers lie below, and how many share its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub i: u64,
    value: String,
    below: u64,
    at: u64,
}

/// The table of the prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    n: u64,
    pub rows: Vec<Row>,
}

impl Table {
    /// Finds `n=… customers` and the lines `i,value,below,at`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let n = text.split("n=").skip(1).find_map(|rest| {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            after.trim_start().starts_with("customers").then(|| number.parse().ok())?
        })?;
        let mut rows: Vec<Row> = Vec::new();
        for row in text.lines().filter_map(row) {
            if rows.iter().all(|known| known.i != row.i) {
                rows.push(row); // a correction may repeat the table
            }
        }
        (!rows.is_empty()).then_some(Self { n, rows })
    }

    /// `ceil(100 * below / (n - 1))`; the last row is 100; a table of one value is 50.
    pub(super) fn percentiles(&self) -> Vec<u64> {
        let last = self.rows.len() - 1;
        let rank = |(at, row): (usize, &Row)| match self.n {
            0 | 1 => 50,
            _ if last == 0 => 50,
            _ if at == last => 100,
            n => (100 * row.below).div_ceil(n - 1),
        };
        self.rows.iter().enumerate().map(rank).collect()
    }

    /// A remark such as a model would make.
    pub(super) fn notes(&self) -> String {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return String::new() };
        format!(
            "Values run from {} to {} over {} customers; {} share the highest value.",
            first.value, last.value, self.n, last.at
        )
    }
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.trim().split(',').map(str::trim);
    let (i, value, below, at) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    value.parse::<f64>().ok()?;
    let row =
        Row { i: i.parse().ok()?, value: value.to_owned(), below: below.parse().ok()?, at: at.parse().ok()? };
    cells.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_reference_is_read_and_ranked() {
        let prompt = "n=4372 customers, 101 rows, ascending. Columns: i,value,below,at. For each row return p = ceil(100*below/(n-1)).\n\
            0,-4287.63,0,1\n1,0.00,41,14\n2,9.99,4000,3\n3,10.00,4371,1\n";
        let table = Table::read(prompt);
        assert_eq!(table.map(|table| table.percentiles()), Some(vec![0, 1, 92, 100]));
    }

    #[test]
    fn one_value_is_fifty_and_prose_is_no_table() {
        assert_eq!(Table::read("n=7 customers\n0,5.00,0,7").map(|table| table.percentiles()), Some(vec![50]));
        assert_eq!(Table::read("n=7 customers and nothing else"), None);
        assert_eq!(Table::read("0,5.00,0,7"), None);
    }
}
