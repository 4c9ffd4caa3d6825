//! Types of columns, and to which other type every value can go without a loss.

use super::sql::qualified;
use crate::domain::names::QualifiedName;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};
use std::fmt;

/// A column's type. PostgreSQL's own go by one name each, whatever they were called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlType {
    pub name: QualifiedName,
    /// `(10, 2)`
    pub arguments: Vec<u32>,
    pub is_array: bool,
}

const CATALOG: &str = "pg_catalog";

impl SqlType {
    /// From what stands in a statement.
    pub fn read(ty: &ast::Type) -> Option<Self> {
        let arguments = numbers(ty.syntax());
        let built_in = |name: &str| {
            Some(Self { name: QualifiedName::new(CATALOG, name), arguments: arguments.clone(), is_array: false })
        };
        let words = ty.syntax().text().to_string().to_lowercase();
        let with_zone = words.contains("with time zone");
        match ty {
            ast::Type::ArrayType(array) => Some(Self { is_array: true, ..Self::read(&array.ty()?)? }),
            ast::Type::BitType(_) => built_in("bit"),
            ast::Type::BitVaryingType(_) => built_in("varbit"),
            ast::Type::CharacterType(_) if words.contains("varying") => built_in("varchar"),
            ast::Type::CharacterType(_) => built_in("char"),
            ast::Type::VarcharType(_) => built_in("varchar"),
            ast::Type::DoubleType(_) => built_in("float8"),
            ast::Type::IntervalType(_) => built_in("interval"),
            ast::Type::TimeType(_) if with_zone => built_in("timetz"),
            ast::Type::TimeType(_) => built_in("time"),
            ast::Type::TimestampType(_) if with_zone => built_in("timestamptz"),
            ast::Type::TimestampType(_) => built_in("timestamp"),
            ast::Type::PathType(path) => {
                let written = qualified(path.path_ref()?.syntax())?;
                Some(Self { name: canonical(written), arguments, is_array: false })
            }
        }
    }

    /// Whether a column of it gets a value by itself.
    pub fn is_serial(&self) -> bool {
        self.is_own("serial") || self.is_own("bigserial") || self.is_own("smallserial")
    }

    fn is_own(&self, name: &str) -> bool {
        self.name.schema == CATALOG && self.name.name == name
    }

    /// What a column that was made with it has.
    #[must_use]
    pub fn stored(mut self) -> Self {
        for (serial, integer) in [("serial", "int4"), ("bigserial", "int8"), ("smallserial", "int2")] {
            if self.is_own(serial) {
                self.name.name = integer.to_owned();
            }
        }
        self
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.name.as_str();
        if self.name.schema == CATALOG {
            let spoken = [("int4", "integer"), ("int8", "bigint"), ("int2", "smallint"), ("bool", "boolean")];
            let more = [("float8", "double precision"), ("float4", "real")];
            let known = spoken.iter().chain(&more).find(|(own, _)| *own == name);
            f.write_str(known.map_or(name, |(_, spoken)| spoken))?;
        } else {
            f.write_str(&super::shown(&self.name))?;
        }
        if !self.arguments.is_empty() {
            write!(f, "({})", self.arguments.iter().map(u32::to_string).collect::<Vec<_>>().join(","))?;
        }
        f.write_str(if self.is_array { "[]" } else { "" })
    }
}

fn canonical(written: QualifiedName) -> QualifiedName {
    const OWN: [(&str, &str); 42] = [
        ("int", "int4"),
        ("integer", "int4"),
        ("int4", "int4"),
        ("smallint", "int2"),
        ("int2", "int2"),
        ("bigint", "int8"),
        ("int8", "int8"),
        ("numeric", "numeric"),
        ("decimal", "numeric"),
        ("dec", "numeric"),
        ("real", "float4"),
        ("float4", "float4"),
        ("float8", "float8"),
        ("float", "float8"),
        ("text", "text"),
        ("varchar", "varchar"),
        ("bpchar", "char"),
        ("char", "char"),
        ("boolean", "bool"),
        ("bool", "bool"),
        ("timestamp", "timestamp"),
        ("timestamptz", "timestamptz"),
        ("date", "date"),
        ("time", "time"),
        ("timetz", "timetz"),
        ("json", "json"),
        ("jsonb", "jsonb"),
        ("uuid", "uuid"),
        ("bytea", "bytea"),
        ("serial", "serial"),
        ("serial4", "serial"),
        ("bigserial", "bigserial"),
        ("serial8", "bigserial"),
        ("smallserial", "smallserial"),
        ("serial2", "smallserial"),
        ("inet", "inet"),
        ("cidr", "cidr"),
        ("xml", "xml"),
        ("money", "money"),
        ("oid", "oid"),
        ("name", "name"),
        ("interval", "interval"),
    ];
    let known = OWN.iter().find(|(name, _)| *name == written.name.as_str());
    match known {
        Some((_, own)) if ["public", CATALOG].contains(&written.schema.as_str()) => QualifiedName::new(CATALOG, *own),
        _ => written,
    }
}

/// The numbers in the parentheses behind a type, those of an array's element included.
fn numbers(ty: &SyntaxNode) -> Vec<u32> {
    let tokens = ty.descendants_with_tokens().filter_map(|element| element.into_token());
    let inside_bound = |node: &SyntaxNode| node.ancestors().any(|n| n.kind() == SyntaxKind::ARRAY_BOUND);
    let numbers = tokens.filter(|t| t.kind() == SyntaxKind::INT_NUMBER);
    numbers.filter(|t| t.parent().is_none_or(|p| !inside_bound(&p))).filter_map(|t| t.text().parse().ok()).collect()
}

/// How a value gets on with another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// Each value arrives as it was.
    Keeps,
    /// Each value arrives, and what it means depends on a setting.
    Shifts,
    /// Values may be cut off, rounded, or not fit.
    MayFail,
}

/// What `ALTER COLUMN … TYPE` does to the values.
pub fn cast(from: &SqlType, to: &SqlType) -> Cast {
    if from == to {
        return Cast::Keeps;
    }
    if from.is_array != to.is_array {
        return if to.is_own("text") && !to.is_array { Cast::Keeps } else { Cast::MayFail };
    }
    if to.is_own("text") || to.is_own("varchar") && to.arguments.is_empty() {
        return Cast::Keeps;
    }
    if from.name.schema != CATALOG || to.name.schema != CATALOG {
        return if to.name.name == "citext" && is_text(from) { Cast::Keeps } else { Cast::MayFail };
    }
    let keeps = match (from.name.name.as_str(), to.name.name.as_str()) {
        ("int2", "int4" | "int8" | "float4" | "float8") | ("int4", "int8" | "float8") => true,
        ("float4", "float8") | ("cidr", "inet") | ("jsonb", "json") | ("date", "timestamp") => true,
        ("int2" | "int4" | "int8", "numeric") => whole_digits(to).is_none_or(|digits| digits >= digits_of(from)),
        ("numeric", "numeric") => numeric_widens(from, to),
        ("varchar" | "char", "varchar") => widens(from, to),
        ("bit" | "varbit", "varbit") => widens(from, to),
        ("timestamp", "timestamp") | ("timestamptz", "timestamptz") | ("time", "time") | ("interval", "interval") => {
            to.arguments.first().copied().unwrap_or(6) >= from.arguments.first().copied().unwrap_or(6)
        }
        ("timestamp", "timestamptz") | ("timestamptz", "timestamp") => return shifts(from, to),
        _ => false,
    };
    if keeps { Cast::Keeps } else { Cast::MayFail }
}

/// `timestamp(3)` → `timestamptz(6)`: read in the session's time zone.
fn shifts(from: &SqlType, to: &SqlType) -> Cast {
    let precision = |ty: &SqlType| ty.arguments.first().copied().unwrap_or(6);
    if precision(to) >= precision(from) { Cast::Shifts } else { Cast::MayFail }
}

fn is_text(ty: &SqlType) -> bool {
    ["text", "varchar", "char"].iter().any(|name| ty.is_own(name))
}

/// The first argument is as great or there is none.
fn widens(from: &SqlType, to: &SqlType) -> bool {
    match (from.arguments.first(), to.arguments.first()) {
        (_, None) => true,
        // a lone char is char(1)
        (None, Some(_)) => from.is_own("char"),
        (Some(from), Some(to)) => to >= from,
    }
}

/// Digits before the point; `None`: any number.
fn whole_digits(ty: &SqlType) -> Option<u32> {
    let precision = ty.arguments.first()?;
    Some(precision.saturating_sub(ty.arguments.get(1).copied().unwrap_or(0)))
}

fn digits_of(integer: &SqlType) -> u32 {
    match integer.name.name.as_str() {
        "int2" => 5,
        "int4" => 10,
        _ => 19,
    }
}

fn numeric_widens(from: &SqlType, to: &SqlType) -> bool {
    let Some(room) = whole_digits(to) else { return true };
    let scale = |ty: &SqlType| ty.arguments.get(1).copied().unwrap_or(0);
    whole_digits(from).is_some_and(|digits| digits <= room) && scale(from) <= scale(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squawk_syntax::SourceFile;

    fn ty(text: &str) -> SqlType {
        let parse = SourceFile::parse(&format!("CREATE TABLE t (a {text});"));
        assert!(parse.errors().is_empty(), "{text}: {:?}", parse.errors());
        let found = parse.syntax_node().descendants().find_map(ast::Type::cast).unwrap();
        SqlType::read(&found).unwrap()
    }

    #[test]
    fn a_type_has_one_name() {
        let same = [
            ("int", "INTEGER"),
            ("int8", "bigint"),
            ("decimal(10,2)", "numeric(10, 2)"),
            ("character varying(5)", "varchar(5)"),
            ("timestamp(3) with time zone", "timestamptz(3)"),
            ("float", "double precision"),
            ("bool[]", "boolean[]"),
            ("pg_catalog.int4", "int"),
            ("timestamp", "timestamp without time zone"),
            ("bpchar(3)", "char(3)"),
            ("\"Role\"", "public.\"Role\""),
        ];
        for (left, right) in same {
            assert_eq!(ty(left), ty(right), "{left}");
        }
        assert_ne!(ty("role"), ty("\"Role\""));
        assert_ne!(ty("auth.role"), ty("role"));
        assert_eq!(ty("decimal(65,30)").to_string(), "numeric(65,30)");
        assert_eq!(ty("\"Role\"[3]").to_string(), "Role[]");
    }

    #[test]
    fn casts_that_keep_every_value() {
        for (from, to) in [
            ("int", "bigint"),
            ("smallint", "int"),
            ("int", "numeric"),
            ("int", "numeric(12,2)"),
            ("bigint", "text"),
            ("varchar(10)", "varchar(20)"),
            ("varchar(10)", "text"),
            ("text", "varchar"),
            ("uuid", "text"),
            ("\"Role\"", "text"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
            ("real", "double precision"),
            ("date", "timestamp"),
            ("timestamp(3)", "timestamp(6)"),
            ("timestamp(3)", "timestamp"),
            ("jsonb", "json"),
            ("cidr", "inet"),
            ("int[]", "bigint[]"),
            ("text", "citext"),
            ("char(3)", "varchar(3)"),
            ("serial", "serial"),
            ("text[]", "text"),
        ] {
            assert_eq!(cast(&ty(from), &ty(to)), Cast::Keeps, "{from} -> {to}");
        }
    }

    #[test]
    fn casts_that_may_not() {
        for (from, to) in [
            ("bigint", "int"),
            ("text", "int"),
            ("text", "varchar(10)"),
            ("varchar(20)", "varchar(10)"),
            ("varchar", "varchar(10)"),
            ("numeric(10,2)", "numeric(10,4)"),
            ("numeric", "numeric(10,2)"),
            ("int", "numeric(8,0)"),
            ("bigint", "double precision"),
            ("int", "real"),
            ("double precision", "real"),
            ("timestamp", "date"),
            ("timestamp(6)", "timestamp(3)"),
            ("timestamp", "timestamptz(3)"),
            ("text", "\"Role\""),
            ("json", "jsonb"),
            ("int", "bool"),
            ("text", "uuid"),
            ("text", "text[]"),
            ("text[]", "int[]"),
            ("citext", "int"),
            ("numeric", "int"),
            ("\"Role\"", "\"Other\""),
            ("text", "char(3)"),
        ] {
            assert_eq!(cast(&ty(from), &ty(to)), Cast::MayFail, "{from} -> {to}");
        }
        assert_eq!(cast(&ty("timestamp(3)"), &ty("timestamptz(3)")), Cast::Shifts);
    }
}
