//! `csv`

use super::Args;
use super::catalogue::{Instance, Key};
use super::document::{self, Source};
use super::keypath;
use crate::error::{Error, Place};
use crate::node::{Seen, Sight};
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;

resource! {
    /// Reads the rows of a CSV file, text or command output by the names in its header.
    ///
    /// The name of a column is a property that lists its cells; `[2].name` is one cell of
    /// the second row. Cells are strings. Two columns of one name are an error, as is a
    /// row that is longer or shorter than the header.
    Csv = "csv" {
        source: "RFC 4180",
        example: r#"describe(csv { content = "name,port\nweb,80\ndb,5432" }):its("port", eq { "80", "5432" })"#,
        falsified: (r#""5432" }"#, r#""1" }"#),
        args {
            /// The absolute path of a file.
            path: Str optional,
            /// The text itself, instead of a path.
            content: Str optional,
            /// A command for the shell whose output is read, instead of a path.
            command: Str optional,
            /// The character between cells; a comma by default.
            delimiter: Str optional,
        }
        properties {
            /// All rows, each a map from column to cell.
            rows: List = |this: &Csv, seen: &Seen<'_>| Ok(Value::List(this.table(seen)?.rows.clone()));
            /// The names of the columns.
            headers: List = |this: &Csv, seen: &Seen<'_>| Ok(Value::strings(&this.table(seen)?.headers));
            /// How many rows there are, the header not counted.
            count: Int = |this: &Csv, seen: &Seen<'_>| Ok(this.table(seen)?.rows.len());
            /// The text that was read.
            raw_content: Str = |this: &Csv, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// The cells of a column, also of one that has the name of a property.
            value(
                /// The name of the column.
                column: Str,
            ): List = |this: &Csv, seen: &Seen<'_>, args: &Args| {
                this.at(seen, &[Key::Name(args.required("column").to_string())])
            };
        }
        open: Csv::at,
    }
}

/// One CSV text.
pub struct Csv {
    source: Source,
    delimiter: u8,
}

/// Its rows.
struct Table {
    headers: Vec<String>,
    rows: Vec<Value>,
}

impl Csv {
    fn new(args: &Args) -> Result<Csv, String> {
        let delimiter = args.text("delimiter");
        match delimiter.as_deref().unwrap_or(",").as_bytes() {
            [delimiter] => Ok(Csv { source: Source::new(args)?, delimiter: *delimiter }),
            _ => Err("delimiter is one ASCII character, such as \";\"".to_string()),
        }
    }

    fn table(&self, seen: &Seen<'_>) -> Sight<Rc<Table>> {
        seen.parsed(&format!("{} {:?}", self.delimiter, self.source), || {
            let bytes = self.source.bytes(seen, &self.title())?;
            read(&self.source.name(), &bytes, self.delimiter).map_err(document::fault)
        })
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        let table = self.table(seen)?;
        let column = keypath::text(path);
        if table.headers.contains(&column) {
            let cells = table.rows.iter().map(|row| keypath::look_up(row, &[Key::Name(column.clone())]));
            return Ok(Value::List(cells.collect()));
        }
        match path {
            [Key::Index(index), rest @ ..] => {
                let row = usize::try_from(index - 1).ok().and_then(|index| table.rows.get(index));
                Ok(row.map_or(Value::Nil, |row| keypath::look_up(row, rest)))
            }
            _ => Ok(Value::Nil),
        }
    }
}

/// Reads one CSV text whose first row names the columns.
fn read(name: &str, bytes: &[u8], delimiter: u8) -> Result<Table, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let wrong = |error: csv::Error| {
        let line = error.position().map(|position| position.line() as usize);
        let message = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the row has {len} cells, the header {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "this is not UTF-8".to_string(),
            _ => "this is no CSV".to_string(),
        };
        Error::usage(message).at(line.map_or_else(|| Place::file(name), |line| Place::line(name, line)))
    };
    let headers: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_string).collect();
    if let Some((_, twice)) = headers.iter().enumerate().find(|(index, header)| headers[..*index].contains(header)) {
        return Err(Error::usage(format!("two columns are named {twice:?}")).at(Place::line(name, 1)));
    }
    let mut rows = Vec::new();
    let mut cells = 0;
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        cells += record.len();
        if cells > document::VALUES {
            return Err(Error::usage(format!("more than {} cells", document::VALUES)).at(Place::file(name)));
        }
        let row: IndexMap<String, Value> = headers.iter().cloned().zip(record.iter().map(Value::from)).collect();
        rows.push(Value::Map(row));
    }
    Ok(Table { headers, rows })
}

impl Instance for Csv {
    fn title(&self) -> String {
        format!("CSV {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    fn trial(text: &str) -> Trial {
        Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[]))
    }

    #[test]
    fn columns_and_rows_are_found_by_name_and_number() {
        let table = trial("name,a.b\n\"x, y\",1\nz,2\n");
        assert_eq!(table.its("name"), Ok(Value::strings(["x, y", "z"])));
        assert_eq!(table.its("a.b"), Ok(Value::strings(["1", "2"])));
        assert_eq!(table.its("count"), Ok(Value::Int(2)));
        assert_eq!(table.its("rows").unwrap().to_string(), r#"[{name: "x, y", a.b: "1"}, {name: "z", a.b: "2"}]"#);
        assert_eq!(table.its("none"), Ok(Value::Nil));
        assert_eq!(table.rounds(), 1);
        assert_eq!(trial("").its("count"), Ok(Value::Int(0)));
    }

    #[test]
    fn broken_rows_are_faults_with_their_line() {
        assert_eq!(fault(trial("a,b\n1,2\n3\n").its("a")), "/f:3: the row has 1 cells, the header 2");
        assert_eq!(fault(trial("a,a\n1,2\n").its("a")), "/f:1: two columns are named \"a\"");
    }

    #[test]
    fn another_delimiter_can_be_given() {
        let scripted = files(&[("/f", "a;b\n1;2\n")], &[]);
        let table = Trial::new(&ENTRY, &["/f".into()], &[("delimiter", ";".into())], scripted);
        assert_eq!(table.its("b"), Ok(Value::strings(["2"])));
    }
}
