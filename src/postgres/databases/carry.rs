//! Giving a new database the rights and settings of the one that it replaces.

use super::describe::{Database, Grant, Setting};
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use sqlx::Executor;
use sqlx::postgres::PgConnection;

/// Settings whose value is a list of names, each quoted for itself.
const LISTS: &[&str] = &[
    "search_path",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Gives the database `to` the rights and settings of `from`. All or nothing.
///
/// # Errors
/// `Server`, for a setting that this role may not make.
pub async fn carry_over(connection: &mut PgConnection, from: &Database, to: &str) -> Result<()> {
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(grant_statements(from, to));
    statements.extend(from.settings.iter().map(|s| setting_statement(s, to)));
    statements.push("COMMIT".to_owned());
    let carried = connection.execute(statements.join(";\n").as_str()).await;
    if let Err(error) = carried {
        // the first error counts
        let _ = connection.execute("ROLLBACK").await;
        return Err(server_error("carrying over the database's rights and settings", error));
    }
    Ok(())
}

/// Gives the database `to` the settings of `from`, as far as this role may: in a scratch database they matter little.
///
/// # Errors
/// `Server` where the session is lost.
pub async fn carry_settings(connection: &mut PgConnection, from: &Database, to: &str) -> Result<()> {
    for setting in &from.settings {
        match connection.execute(setting_statement(setting, to).as_str()).await {
            Err(error) if error.as_database_error().is_none() => {
                return Err(server_error("carrying over the database's settings", error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives the database the rights that every new one has.
///
/// # Errors
/// `Server`.
pub async fn default_rights(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("GRANT CONNECT, TEMPORARY ON DATABASE {} TO PUBLIC", quote_ident(name));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening the scratch database to all"))
}

fn grant_statements(from: &Database, to: &str) -> Vec<String> {
    let to = quote_ident(to);
    let Some(grants) = &from.grants else {
        return vec![format!("GRANT CONNECT, TEMPORARY ON DATABASE {to} TO PUBLIC")];
    };
    // the owner's rights stand in the list too, if he has them
    let mut statements = vec![format!("REVOKE ALL ON DATABASE {to} FROM PUBLIC, {}", quote_ident(&from.owner))];
    for grant in givers_first(grants, &from.owner) {
        let grantee = grant.grantee.as_deref().map_or("PUBLIC".to_owned(), quote_ident);
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        let give = format!("GRANT {} ON DATABASE {to} TO {grantee}{option}", grant.privilege);
        if grant.grantor == from.owner {
            statements.push(give);
        } else {
            statements.push(format!("SET LOCAL ROLE {}; {give}; RESET ROLE", quote_ident(&grant.grantor)));
        }
    }
    statements
}

/// In the order in which they stand, but for those whose giver has not been given the right yet.
fn givers_first<'a>(grants: &'a [Grant], owner: &str) -> Vec<&'a Grant> {
    let mut waiting: Vec<&Grant> = grants.iter().collect();
    let mut given: Vec<&Grant> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let has_it = |giver: &str, privilege: &str| {
            given.iter().any(|g| g.grantable && g.grantee.as_deref() == Some(giver) && g.privilege == privilege)
        };
        let next = waiting.iter().position(|g| g.grantor == owner || has_it(&g.grantor, &g.privilege));
        given.push(waiting.remove(next.unwrap_or_default()));
    }
    given
}

fn setting_statement(setting: &Setting, to: &str) -> String {
    let whose = match &setting.role {
        None => format!("DATABASE {}", quote_ident(to)),
        Some(role) => format!("ROLE {} IN DATABASE {}", quote_ident(role), quote_ident(to)),
    };
    let values: Vec<String> = if LISTS.contains(&setting.name.as_str()) {
        list_items(&setting.value).iter().map(|v| quote_literal(v)).collect()
    } else {
        vec![quote_literal(&setting.value)]
    };
    // a custom setting's name has a dot that must stay outside of quotes
    let name = setting.name.split('.').map(quote_ident).collect::<Vec<_>>().join(".");
    format!("ALTER {whose} SET {name} TO {}", values.join(", "))
}

/// `"$user", public` → `$user`, `public`.
fn list_items(text: &str) -> Vec<String> {
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => item.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            ' ' if !quoted => {}
            c => item.push(c),
        }
    }
    items.push(item);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(role: Option<&str>, name: &str, value: &str) -> Setting {
        Setting { role: role.map(str::to_owned), name: name.into(), value: value.into() }
    }

    #[test]
    fn rights_are_given_in_order_and_by_those_who_have_them() {
        let grant = |grantor: &str, grantee: &str, grantable| Grant {
            grantor: grantor.into(),
            grantee: Some(grantee.into()),
            privilege: "CONNECT".into(),
            grantable,
        };
        let grants = [grant("b", "c", false), grant("o", "a", true), grant("a", "b", true), grant("o", "z", false)];
        let names: Vec<_> = givers_first(&grants, "o").iter().filter_map(|g| g.grantee.as_deref()).collect();
        assert_eq!(names, ["a", "b", "c", "z"]);
    }

    #[test]
    fn lists_are_taken_apart_and_values_are_not() {
        let path = setting(None, "search_path", "\"$user\", \"a, \"\"b\", public");
        assert_eq!(
            setting_statement(&path, "new"),
            "ALTER DATABASE \"new\" SET \"search_path\" TO '$user', 'a, \"b', 'public'"
        );
        assert_eq!(
            setting_statement(&setting(None, "search_path", "\"\""), "n"),
            "ALTER DATABASE \"n\" SET \"search_path\" TO ''"
        );
        let date = setting(Some("jo"), "DateStyle", "ISO, DMY");
        assert_eq!(
            setting_statement(&date, "n"),
            "ALTER ROLE \"jo\" IN DATABASE \"n\" SET \"DateStyle\" TO 'ISO, DMY'"
        );
        assert_eq!(
            setting_statement(&setting(None, "my.key", "v"), "n"),
            "ALTER DATABASE \"n\" SET \"my\".\"key\" TO 'v'"
        );
    }
}
