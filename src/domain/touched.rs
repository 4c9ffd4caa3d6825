//! Which rows and values the SQL of migrations can have taken, so that what other sessions did meanwhile is not laid at
//! its door. In doubt it can have taken everything.

use super::compare::Pair;
use super::migration_sql::{Rename, object_name, rename, statements, text};
use super::names::QualifiedName;
use super::schema::{Catalog, ForeignKey};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use std::collections::BTreeSet;

/// What may have been touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// Nothing is known: whatever is gone counts as lost.
    Everything,
    /// Only this.
    Only {
        /// Tables of which rows may be gone, and any value another.
        tables: BTreeSet<QualifiedName>,
        /// Columns of other tables that were made, changed or renamed.
        columns: BTreeSet<(QualifiedName, String)>,
    },
}

impl Touched {
    /// By scripts that ran where `before` was. A table without a schema is in `default_schema`. Code of the database's own
    /// (triggers, functions, rules) must be ruled out by the caller: what it does stands in no script.
    pub fn by(scripts: &[String], default_schema: &str, before: &Catalog) -> Self {
        let mut reader = Reader::new(default_schema, before);
        let are_read = scripts.iter().all(|sql| match statements(sql) {
            Some(statements) => statements.into_iter().all(|statement| reader.reads(statement)),
            None => false,
        });
        if are_read { reader.found } else { Self::Everything }
    }

    /// Whether the rows of this table are beyond its reach.
    pub fn spares_rows(&self, pair: &Pair<'_>) -> bool {
        let Self::Only { tables, .. } = self else { return false };
        pair.is_same_table() && !tables.iter().any(|t| pair.before.holds(t) || pair.after.holds(t))
    }

    /// Whether the values in this pair of columns are, too.
    pub fn spares_column(&self, pair: &Pair<'_>, before: usize, after: usize) -> bool {
        let Self::Only { columns, .. } = self else { return false };
        let (old, new) = (&pair.before.columns[before].0, &pair.after.columns[after].0);
        let names = |name: &String| name == &old.name || name == &new.name;
        let holds = |table: &QualifiedName| pair.before.holds(table) || pair.after.holds(table);
        self.spares_rows(pair)
            && old.number == new.number
            && !columns.iter().any(|(table, column)| holds(table) && names(column))
    }
}

struct Reader<'a> {
    default_schema: &'a str,
    before: &'a Catalog,
    made: BTreeSet<QualifiedName>,
    found: Touched,
}

const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// What changes no rows that were there, by its first words.
const HARMLESS: &[&[Keyword]] = &[
    &[Keyword::CREATE, Keyword::INDEX],
    &[Keyword::CREATE, Keyword::UNIQUE, Keyword::INDEX],
    &[Keyword::CREATE, Keyword::TYPE],
    &[Keyword::CREATE, Keyword::SCHEMA],
    &[Keyword::CREATE, Keyword::SEQUENCE],
    &[Keyword::ALTER, Keyword::TYPE],
    &[Keyword::ALTER, Keyword::INDEX],
    &[Keyword::ALTER, Keyword::SEQUENCE],
    &[Keyword::DROP, Keyword::INDEX],
    &[Keyword::DROP, Keyword::TYPE],
    &[Keyword::DROP, Keyword::SEQUENCE],
    &[Keyword::COMMENT, Keyword::ON],
    &[Keyword::BEGIN],
    &[Keyword::COMMIT],
];

impl<'a> Reader<'a> {
    fn new(default_schema: &'a str, before: &'a Catalog) -> Self {
        let found = Touched::Only { tables: BTreeSet::new(), columns: BTreeSet::new() };
        Self { default_schema, before, made: BTreeSet::new(), found }
    }

    /// Takes a statement in; `false`: it may do anything.
    fn reads(&mut self, statement: Vec<Token>) -> bool {
        let words: Vec<Token> = statement.into_iter().filter(|t| !matches!(t, Token::Whitespace(_))).collect();
        if words.is_empty() {
            return true;
        }
        if hides_a_change(&words) {
            return false;
        }
        if HARMLESS.iter().any(|begin| Parser::new(&DIALECT).with_tokens(words.clone()).parse_keywords(begin)) {
            return true;
        }
        if let Some(renaming) = rename(words.clone(), self.default_schema) {
            return self.renames(renaming);
        }
        let mut parser = Parser::new(&DIALECT).with_tokens(words);
        self.changes(&mut parser).is_some()
    }

    fn renames(&mut self, renaming: Rename) -> bool {
        match renaming {
            Rename::Table { from, to } => {
                self.made.insert(to);
                self.knows(&from)
            }
            Rename::Column { table, from, to } => {
                let known = self.knows(&table);
                self.touch_column(&table, from);
                self.touch_column(&table, to);
                known
            }
        }
    }

    fn changes(&mut self, parser: &mut Parser<'_>) -> Option<()> {
        if parser.parse_keywords(&[Keyword::CREATE, Keyword::TABLE]) {
            return self.create_table(parser);
        }
        if parser.parse_keywords(&[Keyword::ALTER, Keyword::TABLE]) {
            return self.alter_table(parser);
        }
        if parser.parse_keywords(&[Keyword::DROP, Keyword::TABLE]) {
            let _ = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
            return self.whole_tables(parser, &[Keyword::CASCADE, Keyword::RESTRICT]);
        }
        if parser.parse_keywords(&[Keyword::TRUNCATE]) {
            let _ = parser.parse_keyword(Keyword::TABLE);
            return self.whole_tables(parser, &[]);
        }
        for (begin, event) in
            [(&[Keyword::DELETE, Keyword::FROM] as &[Keyword], "ON DELETE "), (&[Keyword::UPDATE], "ON UPDATE ")]
        {
            if parser.parse_keywords(begin) {
                let _ = parser.parse_keyword(Keyword::ONLY);
                let table = self.known_table(parser)?;
                self.touch_rows(table, event);
                return Some(());
            }
        }
        if parser.parse_keywords(&[Keyword::INSERT, Keyword::INTO]) {
            let table = self.known_table(parser)?;
            if rest(parser).windows(2).any(|pair| is(&pair[0], Keyword::DO) && is(&pair[1], Keyword::UPDATE)) {
                self.touch_rows(table, "ON UPDATE ");
            }
            return Some(());
        }
        None
    }

    fn create_table(&mut self, parser: &mut Parser<'_>) -> Option<()> {
        let _ = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
        let table = self.table(parser)?;
        self.made.insert(table);
        // made of a query, or a part of another table
        let strange = [Keyword::AS, Keyword::INHERITS, Keyword::PARTITION, Keyword::OF];
        let at_top = with_depth(rest(parser)).filter(|(depth, _)| *depth == 0);
        let is_strange = at_top.into_iter().any(|(_, token)| strange.iter().any(|keyword| is(&token, *keyword)));
        (!is_strange).then_some(())
    }

    /// Adding, dropping and altering columns and constraints; no row goes with that.
    fn alter_table(&mut self, parser: &mut Parser<'_>) -> Option<()> {
        let _ = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        let _ = parser.parse_keyword(Keyword::ONLY);
        let table = self.known_table(parser)?;
        for action in actions(rest(parser)) {
            let mut action = Parser::new(&DIALECT).with_tokens(action);
            let verb = action.parse_one_of_keywords(&[
                Keyword::ADD,
                Keyword::DROP,
                Keyword::ALTER,
                Keyword::VALIDATE,
                Keyword::RENAME,
            ])?;
            let constraint = [Keyword::CONSTRAINT, Keyword::PRIMARY, Keyword::UNIQUE, Keyword::FOREIGN, Keyword::CHECK];
            if action.parse_one_of_keywords(&constraint).is_some() {
                continue;
            }
            if matches!(verb, Keyword::VALIDATE | Keyword::RENAME) {
                return None;
            }
            let _ = action.parse_keyword(Keyword::COLUMN);
            let _ = action.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
            let _ = action.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
            let column = text(&action.parse_identifier().ok()?);
            self.touch_column(&table, column);
        }
        Some(())
    }

    /// A list of tables and nothing behind it but these words.
    fn whole_tables(&mut self, parser: &mut Parser<'_>, allowed: &[Keyword]) -> Option<()> {
        loop {
            let table = self.known_table(parser)?;
            // foreign keys act on rows, not on tables
            self.touch_rows(table, "(nothing)");
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        let _ = parser.parse_one_of_keywords(allowed);
        rest(parser).is_empty().then_some(())
    }

    fn table(&self, parser: &mut Parser<'_>) -> Option<QualifiedName> {
        object_name(&parser.parse_object_name(false).ok()?, self.default_schema)
    }

    fn known_table(&self, parser: &mut Parser<'_>) -> Option<QualifiedName> {
        self.table(parser).filter(|table| self.knows(table))
    }

    /// A name that was there before or was made by a script; any other may be a table in disguise (a view, a search path).
    fn knows(&self, table: &QualifiedName) -> bool {
        let mut there = self.before.tables.iter().chain(&self.before.partitioned);
        self.made.contains(table) || there.any(|t| &t.name == table)
    }

    fn touch_column(&mut self, table: &QualifiedName, column: String) {
        if let Touched::Only { columns, .. } = &mut self.found {
            columns.insert((table.clone(), column));
        }
    }

    /// With the table its root, and whatever foreign keys can carry a change on to. `event`: by what it is touched.
    fn touch_rows(&mut self, table: QualifiedName, event: &str) {
        let Touched::Only { tables, .. } = &mut self.found else { return };
        let mut next = vec![(table, event)];
        while let Some((table, event)) = next.pop() {
            let root = self.before.tables.iter().find(|t| t.name == table).and_then(|t| t.partition_root.clone());
            let keys = self.before.foreign_keys.iter().filter(|k| k.referenced == table && carries_on(k, event));
            // what arrives there may be a deletion or an update
            let reached = keys.map(|k| k.table.clone()).chain(root).map(|t| (t, "ON "));
            next.extend(reached.filter(|(t, _)| !tables.contains(t)));
            tables.insert(table);
        }
    }
}

fn carries_on(key: &ForeignKey, event: &str) -> bool {
    let acts = |rest: &str| ["CASCADE", "SET NULL", "SET DEFAULT"].iter().any(|action| rest.contains(action));
    key.definition.split_once(event).is_some_and(|(_, rest)| {
        // "ON UPDATE CASCADE ON DELETE RESTRICT": up to the next event
        if event == "ON " { acts(rest) } else { acts(rest.split(" ON ").next().unwrap_or(rest)) }
    })
}

/// A change inside another statement (`WITH gone AS (DELETE …)`), or code that says nowhere what it does.
fn hides_a_change(words: &[Token]) -> bool {
    const CHANGES: [Keyword; 7] = [
        Keyword::DELETE,
        Keyword::UPDATE,
        Keyword::INSERT,
        Keyword::MERGE,
        Keyword::TRUNCATE,
        Keyword::EXECUTE,
        Keyword::CALL,
    ];
    // ON DELETE, FOR UPDATE, DO UPDATE are part of what stands before them
    const BEFORE: [Keyword; 3] = [Keyword::ON, Keyword::FOR, Keyword::DO];
    words.windows(2).any(|pair| {
        CHANGES.iter().any(|change| is(&pair[1], *change)) && !BEFORE.iter().any(|before| is(&pair[0], *before))
    })
}

fn is(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

/// The tokens that are not read yet.
fn rest(parser: &mut Parser<'_>) -> Vec<Token> {
    std::iter::from_fn(|| Some(parser.next_token().token).filter(|token| *token != Token::EOF)).collect()
}

/// Each token with how deep it stands in parentheses.
fn with_depth(tokens: Vec<Token>) -> impl Iterator<Item = (usize, Token)> {
    let mut depth = 0_usize;
    tokens.into_iter().map(move |token| {
        if token == Token::RParen {
            depth = depth.saturating_sub(1);
        }
        let at = depth;
        depth += usize::from(token == Token::LParen);
        (at, token)
    })
}

/// The actions of one `ALTER TABLE`, which commas part.
fn actions(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut actions = vec![Vec::new()];
    for (depth, token) in with_depth(tokens) {
        if depth == 0 && token == Token::Comma {
            actions.push(Vec::new());
        } else if let Some(action) = actions.last_mut() {
            action.push(token);
        }
    }
    actions
}

#[cfg(test)]
mod tests;
