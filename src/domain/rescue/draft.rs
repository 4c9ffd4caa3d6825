//! What a drafted migration drops and makes, as Prisma writes it.

use crate::domain::lint::{SqlType, columns_of, named};
use crate::domain::names::QualifiedName;
use squawk_syntax::SourceFile;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};

/// Names as PostgreSQL knows them, each with its schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub dropped_columns: Vec<(QualifiedName, String)>,
    pub added_columns: Vec<(QualifiedName, NewColumn)>,
    pub dropped_tables: Vec<QualifiedName>,
    pub created_tables: Vec<NewTable>,
    pub dropped_types: Vec<QualifiedName>,
    pub created_enums: Vec<(QualifiedName, Vec<String>)>,
    /// Which column of a table that is there will reference which table.
    pub references: Vec<(QualifiedName, String, QualifiedName)>,
    /// Columns that are there and must have a value from then on.
    pub required: Vec<(QualifiedName, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    pub name: String,
    pub ty: SqlType,
    /// As it stands in the draft, without what follows: `VARCHAR(20)`.
    pub written: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    pub name: QualifiedName,
    pub columns: Vec<NewColumn>,
    /// Which column references which table.
    pub references: Vec<(String, QualifiedName)>,
    /// The name of its primary key.
    pub primary_key: Option<String>,
}

impl Draft {
    /// Reads a script. A name without a schema is in `default_schema`.
    pub fn read(sql: &str, default_schema: &str) -> Self {
        let mut reader = Reader { default_schema, draft: Self::default() };
        if !crate::domain::lint::is_too_deep(sql) {
            let root = SourceFile::parse(sql).syntax_node();
            root.children().filter_map(ast::Stmt::cast).for_each(|statement| reader.read(&statement));
        }
        reader.draft
    }

    /// Something goes while something else comes.
    pub fn may_rename(&self) -> bool {
        !self.dropped_columns.is_empty() && !self.added_columns.is_empty()
            || !self.dropped_tables.is_empty() && !self.created_tables.is_empty()
            || !self.dropped_types.is_empty() && !self.created_enums.is_empty()
            || self.references.iter().any(|(table, column, _)| column == "A" && self.reference(table, "B").is_some())
    }

    /// What a column of a table that is there will reference.
    pub fn reference(&self, table: &QualifiedName, column: &str) -> Option<&QualifiedName> {
        self.references.iter().find(|(own, of, _)| own == table && of == column).map(|(.., referenced)| referenced)
    }
}

struct Reader<'a> {
    default_schema: &'a str,
    draft: Draft,
}

impl Reader<'_> {
    fn name<N: AstNode>(&self, node: Option<N>) -> Option<QualifiedName> {
        let node = node?;
        // a dot between quotes is a letter
        let is_qualified = node.syntax().text().to_string().split('"').step_by(2).any(|outside| outside.contains('.'));
        let name = named(Some(node))?;
        Some(if is_qualified { name } else { QualifiedName::new(self.default_schema, name.name) })
    }

    fn read(&mut self, statement: &ast::Stmt) {
        match statement {
            ast::Stmt::AlterTable(alter) => self.alter(alter),
            ast::Stmt::CreateTable(create) => self.create(create),
            ast::Stmt::DropTable(drop) => {
                let names: Vec<_> = drop.table_name_refs().filter_map(|name| self.name(Some(name))).collect();
                self.draft.dropped_tables.extend(names);
            }
            ast::Stmt::DropType(drop) => {
                let names: Vec<_> = drop.type_name_refs().filter_map(|name| self.name(Some(name))).collect();
                self.draft.dropped_types.extend(names);
            }
            ast::Stmt::CreateType(create) => {
                let Some(ast::CreateTypeKind::EnumType(list)) = create.kind() else { return };
                let variants = list.variant_list().into_iter().flat_map(|list| list.variants());
                let labels = variants.filter_map(|variant| variant.literal()?.string_value()).collect();
                let name = self.name(create.type_name());
                self.draft.created_enums.extend(name.map(|name| (name, labels)));
            }
            _ => {}
        }
    }

    fn alter(&mut self, alter: &ast::AlterTable) {
        let Some(table) = self.name(alter.table_relation_name()) else { return };
        for action in alter.actions() {
            match action {
                ast::AlterTableAction::AddColumn(add) => {
                    let column = self.column(add.column_name().map(|name| name.text()), add.ty());
                    self.draft.added_columns.extend(column.map(|column| (table.clone(), column)));
                }
                ast::AlterTableAction::DropColumn(drop) => {
                    let column = drop.column_name_ref().map(|name| normalize_name_node(name.syntax()));
                    self.draft.dropped_columns.extend(column.map(|column| (table.clone(), column)));
                }
                ast::AlterTableAction::AlterColumn(alter) => {
                    if let Some(ast::AlterColumnOption::SetNotNull(_)) = alter.option() {
                        let column = alter.column_name_ref().map(|name| normalize_name_node(name.syntax()));
                        self.draft.required.extend(column.map(|column| (table.clone(), column)));
                    }
                }
                ast::AlterTableAction::AddConstraint(add) => self.constraint(&table, add.syntax()),
                _ => {}
            }
        }
    }

    fn create(&mut self, create: &ast::CreateTable) {
        let Some(name) = self.name(create.table_name()) else { return };
        let mut table = NewTable { name, columns: Vec::new(), references: Vec::new(), primary_key: None };
        for argument in create.table_arg_list().into_iter().flat_map(|list| list.args()) {
            if let ast::TableArg::Column(column) = argument {
                table.columns.extend(self.column(column.name().map(|name| name.text()), column.ty()));
            }
        }
        let keys = create.syntax().descendants().filter_map(ast::PrimaryKeyConstraint::cast);
        let clause = keys.filter_map(|key| key.constraint_name_clause()).next();
        let name = clause.and_then(|clause| clause.syntax().descendants().last());
        table.primary_key = name.map(|name| normalize_name_node(&name));
        self.draft.created_tables.push(table);
    }

    fn constraint(&mut self, table: &QualifiedName, node: &SyntaxNode) {
        for key in node.descendants().filter_map(ast::ForeignKeyConstraint::cast) {
            let (Some(column), Some(referenced)) =
                (columns_of(key.syntax()).into_iter().next(), self.name(key.table_name_ref()))
            else {
                continue;
            };
            match self.draft.created_tables.iter_mut().find(|made| &made.name == table) {
                Some(made) => made.references.push((column, referenced)),
                None => self.draft.references.push((table.clone(), column, referenced)),
            }
        }
    }

    fn column(&self, name: Option<String>, ty: Option<ast::Type>) -> Option<NewColumn> {
        let ty = ty?;
        let written = ty.syntax().text().to_string().trim().to_owned();
        let mut read = SqlType::read(&ty)?.stored();
        if read.name.schema == "public" && !written.contains('.') {
            read.name.schema = self.default_schema.to_owned();
        }
        Some(NewColumn { name: name?, ty: read, written })
    }
}

/// A type as the catalog writes it.
pub fn catalog_type(type_name: &str) -> Option<SqlType> {
    let sql = format!("ALTER TABLE t ADD COLUMN c {type_name}");
    let root = SourceFile::parse(&sql).syntax_node();
    root.descendants().find_map(ast::Type::cast).as_ref().and_then(SqlType::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prisma_drafts() {
        let sql = r#"
            CREATE TYPE "UserRole" AS ENUM ('ADMIN', 'it''s');
            ALTER TABLE "User" DROP COLUMN "role", ADD COLUMN     "level" "UserRole" NOT NULL DEFAULT 'USER';
            DROP TABLE "Post"; DROP TYPE "Role";
            CREATE TABLE "app"."Zarticle" ("id" SERIAL NOT NULL, "at" TIMESTAMP(3) NOT NULL, CONSTRAINT "Zarticle_pkey" PRIMARY KEY ("id"));
            ALTER TABLE "a.b" DROP COLUMN "x.y";
            ALTER TABLE "app"."Zarticle" ADD CONSTRAINT "f" FOREIGN KEY ("at") REFERENCES "User"("id") ON DELETE CASCADE;"#;
        let draft = Draft::read(sql, "shop");
        let name = |schema: &str, name: &str| QualifiedName::new(schema, name);
        assert_eq!(draft.created_enums, [(name("shop", "UserRole"), vec!["ADMIN".into(), "it's".into()])]);
        assert_eq!(draft.dropped_columns, [(name("shop", "User"), "role".into()), (name("shop", "a.b"), "x.y".into())]);
        assert_eq!(draft.added_columns[0].1.ty.name, name("shop", "UserRole"));
        assert_eq!(
            (draft.dropped_tables, draft.dropped_types),
            (vec![name("shop", "Post")], vec![name("shop", "Role")])
        );
        let table = &draft.created_tables[0];
        assert_eq!(
            (table.name.clone(), table.primary_key.as_deref()),
            (name("app", "Zarticle"), Some("Zarticle_pkey"))
        );
        assert_eq!(table.columns[1].written, "TIMESTAMP(3)");
        assert_eq!(table.references, [("at".into(), name("shop", "User"))]);
        assert_eq!(Some(table.columns[1].ty.clone()), catalog_type("timestamp(3) without time zone"));
        assert_eq!(Some(table.columns[0].ty.clone()), catalog_type("integer"));
    }

    #[test]
    fn text_that_is_no_sql_drafts_nothing() {
        assert_eq!(Draft::read("DROP COLUMN x; nonsense (", "public"), Draft::default());
    }
}
