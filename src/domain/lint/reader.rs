//! A migration, statement by statement.

use super::comments::Comments;
use super::kind::{Finding, Kind};
use super::known::{Column, Known, UserType};
use super::sql::{cascades, is_too_deep, named, qualified};
use super::types::SqlType;
use super::{Sentence, shown};
use crate::domain::expected::{Accepted, Reach};
use crate::domain::names::QualifiedName;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use std::collections::BTreeMap;

/// One migration that is being read.
pub struct Reader<'a> {
    pub known: &'a mut Known,
    pub(super) found: Vec<Found>,
    /// Columns that went and came, to be paired when all is read.
    pub(super) dropped: Vec<Dropped>,
    pub(super) added: Vec<(QualifiedName, String, Option<SqlType>)>,
    dropped_tables: Vec<DroppedTable>,
    /// Which statement of the file is being read, and how what is read maps to lines of the file.
    pub(super) statement: usize,
    pub(super) lines: Lines,
}

/// What was found, and in which statement.
pub(super) struct Found {
    pub statement: usize,
    pub line: usize,
    pub kind: Kind,
    pub says: Sentence,
    /// What it can take that was there before.
    pub takes: Vec<Reach>,
}

pub(super) struct Dropped {
    pub table: QualifiedName,
    pub column: String,
    pub ty: Option<SqlType>,
    pub statement: usize,
    pub line: usize,
}

struct DroppedTable {
    name: QualifiedName,
    columns: BTreeMap<String, Column>,
    statement: usize,
    line: usize,
}

/// Offsets to line numbers.
#[derive(Default, Clone)]
pub(super) struct Lines {
    starts: Vec<usize>,
    /// All is said of this line: the text is inside of a string of the file.
    fixed: Option<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: starts.collect(), fixed: None }
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.fixed.unwrap_or_else(|| self.starts.partition_point(|start| *start <= offset) + 1)
    }
}

/// Reads a migration: what it does to `known` is done, what it does to data is found.
pub fn read(file: &str, text: &str, known: &mut Known) -> Vec<Finding> {
    judged(file, text, known).0
}

/// Reads a migration for the losses that its comments accept; of one that cannot be read to its end, none.
pub fn meant(text: &str, known: &mut Known) -> Vec<Accepted> {
    let (findings, accepted) = judged("", text, known);
    let is_read = findings.iter().all(|finding| finding.kind != Kind::Unreadable);
    accepted.into_iter().filter(|_| is_read).collect()
}

fn judged(file: &str, text: &str, known: &mut Known) -> (Vec<Finding>, Vec<Accepted>) {
    known.settle();
    if is_too_deep(text) {
        let says = Sentence::unreadable("It is nested too deeply");
        return (vec![says.finding(file, 1, Kind::Unreadable)], Vec::new());
    }
    let parse = SourceFile::parse(text);
    let mut reader = Reader {
        known,
        found: Vec::new(),
        dropped: Vec::new(),
        added: Vec::new(),
        dropped_tables: Vec::new(),
        statement: 0,
        lines: Lines::of(text),
    };
    let root = parse.syntax_node();
    let comments = Comments::read(&root, &reader.lines);
    for (number, statement) in root.children().filter_map(ast::Stmt::cast).enumerate() {
        reader.statement = number;
        reader.read_statement(&statement);
    }
    reader.pair_columns();
    reader.pair_tables();
    if let Some(error) = parse.errors().first() {
        reader.statement = usize::MAX;
        let line = reader.lines.line(error.range().start().into());
        let says = Sentence::unreadable(&format!("It is not PostgreSQL's SQL ({})", error.message()));
        reader.push(line, Kind::Unreadable, says);
    }
    let found = std::mem::take(&mut reader.found);
    comments.apply(file, found)
}

impl Reader<'_> {
    pub(super) fn push(&mut self, line: usize, kind: Kind, says: Sentence) {
        self.found.push(Found { statement: self.statement, line, kind, says, takes: Vec::new() });
    }

    /// What the last one that was found can take.
    pub(super) fn takes(&mut self, reach: impl IntoIterator<Item = Reach>) {
        if let Some(found) = self.found.last_mut() {
            found.takes.extend(reach);
        }
    }

    pub(super) fn line_of(&self, node: &SyntaxNode) -> usize {
        self.lines.line(node.text_range().start().into())
    }

    pub(super) fn find(&mut self, node: &SyntaxNode, kind: Kind, says: Sentence) {
        let line = self.line_of(node);
        self.push(line, kind, says);
    }

    fn read_statement(&mut self, statement: &ast::Stmt) {
        match statement {
            ast::Stmt::CreateTable(create) => self.create_table(create),
            ast::Stmt::CreateTableAs(create) => self.make_table(named(create.table_name())),
            ast::Stmt::CreateType(create) => self.create_type(create),
            ast::Stmt::CreateIndex(index) => self.create_index(index),
            ast::Stmt::AlterTable(alter) => self.alter_table(alter),
            ast::Stmt::AlterType(alter) => self.alter_type(alter),
            ast::Stmt::DropTable(drop) => drop.table_name_refs().for_each(|name| self.drop_table(name.syntax())),
            ast::Stmt::DropType(drop) => {
                drop.type_name_refs().for_each(|name| self.drop_type(name.syntax(), cascades(drop.drop_behavior())));
            }
            ast::Stmt::DropDomain(drop) => {
                drop.domain_refs().for_each(|name| self.drop_type(name.syntax(), cascades(drop.drop_behavior())));
            }
            ast::Stmt::Truncate(truncate) => self.truncate(truncate),
            ast::Stmt::Do(block) => self.block(block),
            ast::Stmt::DropSchema(drop) => {
                let says = "with all tables and rows in it, where CASCADE stands behind it";
                self.drop_whole(drop.syntax(), "the schema", Kind::DroppedSchema, says);
                let schemas = drop.schema_refs().map(|schema| ast::normalize_name_node(schema.syntax()));
                self.takes(schemas.map(Reach::Schema).collect::<Vec<_>>());
            }
            ast::Stmt::DropDatabase(drop) => {
                self.drop_whole(drop.syntax(), "the database", Kind::DroppedDatabase, "with everything in it");
            }
            ast::Stmt::DropOwned(drop) => {
                let says = "tables and rows included";
                self.drop_whole(drop.syntax(), "all that a role owns", Kind::DroppedObjects, says);
            }
            ast::Stmt::DropExtension(drop) if cascades(drop.drop_behavior()) => {
                let says = "with the columns and tables that depend on it";
                self.drop_whole(drop.syntax(), "the extension", Kind::DroppedObjects, says);
            }
            other if runs_queries(other) => self.data(other.syntax()),
            _ => {}
        }
    }

    fn drop_whole(&mut self, node: &SyntaxNode, what: &str, kind: Kind, says: &str) {
        let remedy = "Take it out of the migration: what still uses it has to go first, and on purpose";
        let message = format!("It drops {what}, {says} ({})", first_line(node));
        self.find(node, kind, Sentence::new(message, remedy));
    }

    fn create_type(&mut self, create: &ast::CreateType) {
        let Some(name) = named(create.type_name()) else { return };
        let labels = create.kind().and_then(|kind| match kind {
            ast::CreateTypeKind::EnumType(list) => Some(list),
            _ => None,
        });
        let labels = labels.map(|list| {
            let variants = list.variant_list().into_iter().flat_map(|list| list.variants());
            variants.filter_map(|variant| variant.literal()?.string_value()).collect()
        });
        self.known.types.insert(name, UserType { labels, made_here: true, renamed_here: false });
    }

    fn alter_type(&mut self, alter: &ast::AlterType) {
        let (Some(name), Some(action)) = (named(alter.type_name_ref()), alter.action()) else { return };
        let labels = |known: &mut Known, change: &mut dyn FnMut(&mut Vec<String>)| {
            if let Some(labels) = known.types.get_mut(&name).and_then(|ty| ty.labels.as_mut()) {
                change(labels);
            }
        };
        match action {
            ast::AlterTypeAction::AddValue(add) => {
                let Some(label) = add.literal().and_then(|l| l.string_value()) else { return };
                labels(self.known, &mut |labels| labels.push(label.clone()));
            }
            ast::AlterTypeAction::RenameValue(rename) => {
                let text = |literal: Option<ast::Literal>| literal.and_then(|l| l.string_value());
                let (Some(from), Some(to)) = (text(rename.from()), text(rename.to())) else { return };
                labels(self.known, &mut |labels| {
                    labels.iter_mut().filter(|label| **label == from).for_each(|label| label.clone_from(&to));
                });
            }
            ast::AlterTypeAction::TypeRenameTo(rename) => {
                let Some(to) = named(rename.type_name()) else { return };
                self.known.rename_type(&name, &QualifiedName::new(name.schema.clone(), to.name));
            }
            ast::AlterTypeAction::SetSchema(set) => {
                let Some(schema) = set.schema_ref().map(|s| ast::normalize_name_node(s.syntax())) else { return };
                self.known.rename_type(&name, &QualifiedName::new(schema, name.name.clone()));
            }
            ast::AlterTypeAction::AlterTypeAttributeActionList(list) => {
                for action in list.actions() {
                    let ast::AlterTypeAttributeAction::DropAttribute(drop) = &action else { continue };
                    let message = format!("The values of an attribute of the type {} are gone", shown(&name));
                    let remedy = "Keep the attribute until nothing needs its values";
                    self.find(drop.syntax(), Kind::DroppedColumn, Sentence::new(message, remedy));
                }
            }
            _ => {}
        }
    }

    fn drop_type(&mut self, node: &SyntaxNode, cascades: bool) {
        let Some(name) = qualified(node) else { return };
        let harmless = self.known.types.remove(&name).is_some_and(|ty| ty.made_here || ty.renamed_here);
        if harmless && !cascades {
            return;
        }
        let type_name = shown(&name);
        let (message, remedy) = if cascades {
            (
                format!("It drops the type {type_name}, and with it every column of that type"),
                format!("Leave CASCADE out: DROP TYPE {}; then PostgreSQL refuses while a column has it", sql(&name)),
            )
        } else {
            (
                format!("It drops the type {type_name}"),
                "Drop it in a migration of its own, after the code that uses it is gone everywhere".to_owned(),
            )
        };
        self.find(node, Kind::DroppedType, Sentence::new(message, remedy));
    }

    fn drop_table(&mut self, node: &SyntaxNode) {
        let Some(name) = qualified(node) else { return };
        let table = self.known.tables.remove(&name).unwrap_or_default();
        if table.made_here {
            return;
        }
        let line = self.line_of(node);
        self.dropped_tables.push(DroppedTable { name, columns: table.columns, statement: self.statement, line });
    }

    /// A table that goes while one with just its columns comes is a renamed model, as Prisma writes it.
    fn pair_tables(&mut self) {
        for DroppedTable { name, columns, statement, line } in std::mem::take(&mut self.dropped_tables) {
            let message = format!("It drops the table {}: all its rows are gone", shown(&name));
            let remedy = match self.known.twin(&columns) {
                Some(twin) => format!(
                    "{} has just its columns. If it is the same under another name, write instead of DROP and CREATE: ALTER TABLE {} RENAME TO {};",
                    shown(twin),
                    sql(&name),
                    quoted(&twin.name)
                ),
                None => format!(
                    "Keep the rows until nothing needs them: ALTER TABLE {} RENAME TO {};",
                    sql(&name),
                    quoted(&format!("{}_old", name.name))
                ),
            };
            self.statement = statement;
            self.push(line, Kind::DroppedTable, Sentence::new(message, remedy));
            self.takes([Reach::Table(name)]);
        }
    }

    fn truncate(&mut self, truncate: &ast::Truncate) {
        for table in truncate.table_list().into_iter().flat_map(|list| list.table_relation_names()) {
            let Some(name) = qualified(table.syntax()).filter(|name| !self.known.is_made_here(name)) else { continue };
            let message = format!("It empties the table {}: all its rows are gone", shown(&name));
            let remedy = format!("Delete what has to go: DELETE FROM {} WHERE …;", sql(&name));
            self.find(table.syntax(), Kind::Truncate, Sentence::new(message, remedy));
            self.takes([Reach::Table(name)]);
        }
    }

    /// `DO`: what PL/pgSQL does is done when the migration runs.
    fn block(&mut self, block: &ast::Do) {
        let Some(body) = block.plpgsql() else {
            return self.find(block.syntax(), Kind::Unreadable, Sentence::unreadable("A DO block in another language"));
        };
        if !body.errors().is_empty() {
            self.find(block.syntax(), Kind::Unreadable, Sentence::unreadable("A DO block that is no PL/pgSQL we know"));
        }
        // a line inside: as far from the block's first line as it is in the body's text
        let outside = self.lines.clone();
        let whole = Lines::of(body.text());
        for node in body.syntax().descendants() {
            let line = outside.line(body.source_range(node.text_range()).start().into());
            self.lines = Lines { fixed: Some(line), ..whole.clone() };
            if node.parent().is_some_and(|p| p.kind() == SyntaxKind::PLPGSQL_EXEC_SQL_STMT) {
                if let Some(statement) = ast::Stmt::cast(node.clone()) {
                    self.read_statement(&statement);
                }
            } else if node.kind() == SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT {
                self.dynamic(&node);
            } else if node.kind() == SyntaxKind::PLPGSQL_EXPR {
                self.data(&node);
            }
        }
        self.lines = outside;
    }

    /// `EXECUTE 'a text'` says what it does; what is put together while it runs does not.
    fn dynamic(&mut self, execute: &SyntaxNode) {
        let targets: Vec<SyntaxNode> =
            execute.descendants().filter(|n| n.kind() == SyntaxKind::TARGET_LIST).take(1).collect();
        let literal = targets.first().and_then(|list| {
            let target = list.first_child().filter(|_| list.children().count() == 1)?;
            let literal = target.first_child().and_then(ast::Literal::cast)?;
            (target.children().count() == 1).then(|| literal.string_value()).flatten()
        });
        let parse = literal.map(|text| SourceFile::parse(&text)).filter(|parse| parse.errors().is_empty());
        let Some(parse) = parse else {
            let says = Sentence::unreadable("EXECUTE of SQL that is put together while it runs");
            return self.find(execute, Kind::Unreadable, says);
        };
        parse
            .syntax_node()
            .children()
            .filter_map(ast::Stmt::cast)
            .for_each(|statement| self.read_statement(&statement));
    }
}

/// Whether rows can be changed by something inside of it, now.
fn runs_queries(statement: &ast::Stmt) -> bool {
    use ast::Stmt;
    let reads = matches!(
        statement,
        Stmt::Select(_) | Stmt::SelectInto(_) | Stmt::CompoundSelect(_) | Stmt::ParenSelect(_) | Stmt::Values(_)
    );
    let writes = matches!(
        statement,
        Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) | Stmt::Copy(_) | Stmt::Explain(_)
    );
    reads || writes
}

fn first_line(node: &SyntaxNode) -> String {
    let text = node.text().to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_owned()
}

/// A name for a statement to be typed: quotes where there must be some, the schema where it is another.
pub(super) fn sql(name: &QualifiedName) -> String {
    let own = quoted(&name.name);
    if name.schema == "public" { own } else { format!("{}.{own}", quoted(&name.schema)) }
}

pub(super) fn quoted(name: &str) -> String {
    crate::domain::names::quote_ident(name)
}
