//! The mark in the database, on a real server: it keeps the user's comment, and a copy is told from the original.

mod support;

use safemigrate::domain::guard::{Action, Verdict};
use safemigrate::error::ErrorKind;
use safemigrate::operations::guard::{Assessment, allow, assess};
use safemigrate::postgres::mark::{read_mark, remove_mark, set_mark};
use safemigrate::postgres::session::connect;
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::prisma::{Settings, UrlSource};
use support::{Cluster, PASSWORD};

const COMMENT: &str = "It's \\Jo's\n\n shop ";

fn url(cluster: &Cluster, database: &str) -> DatabaseUrl {
    DatabaseUrl::parse(&cluster.url(database)).unwrap()
}

async fn judge(cluster: &Cluster, database: &str) -> Assessment {
    assess(&url(cluster, database), &UrlSource::Flag, None, &Settings::default(), |_| None).await.unwrap()
}

fn comment(cluster: &Cluster, database: &str) -> String {
    cluster.psql(
        "postgres",
        &format!("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'"),
    )
}

#[tokio::test]
async fn the_mark_comes_and_goes_and_the_comment_stays() {
    let cluster = Cluster::start();
    cluster.create_db("my shop");
    cluster.psql(
        "postgres",
        &format!("COMMENT ON DATABASE \"my shop\" IS E'{}'", COMMENT.replace('\\', "\\\\").replace('\'', "''")),
    );
    let before = comment(&cluster, "my shop");
    let mut connection = connect(&url(&cluster, "my shop")).await.unwrap();
    assert_eq!(judge(&cluster, "my shop").await.verdict, Verdict::Development);

    assert!(!set_mark(&mut connection).await.unwrap());
    assert!(set_mark(&mut connection).await.unwrap(), "marked twice is marked once");
    let marked = comment(&cluster, "my shop");
    assert!(marked.starts_with(before.trim_end_matches('\n')), "{marked}");
    assert_eq!(marked.matches("[safemigrate: production ").count(), 1);
    let assessment = judge(&cluster, "my shop").await;
    assert_eq!(assessment.verdict, Verdict::Production);
    for action in [Action::Dev, Action::Reset] {
        let refused = allow(&assessment, action, Some("my shop")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Production);
        assert!(refused.hints.iter().any(|hint| hint.contains("marked as production")), "{:?}", refused.hints);
    }

    assert!(remove_mark(&mut connection).await.unwrap());
    assert!(!remove_mark(&mut connection).await.unwrap());
    assert_eq!(comment(&cluster, "my shop"), before);
}

#[tokio::test]
async fn a_copy_of_production_wants_its_name_typed() {
    let cluster = Cluster::start();
    cluster.create_db("shop");
    set_mark(&mut connect(&url(&cluster, "shop")).await.unwrap()).await.unwrap();
    cluster.psql("postgres", "ALTER DATABASE shop RENAME TO renamed");
    assert_eq!(judge(&cluster, "renamed").await.verdict, Verdict::Production, "it is the same database");
    cluster.psql("postgres", "CREATE DATABASE shop_copy TEMPLATE renamed");
    let marked = comment(&cluster, "renamed");
    cluster.psql("postgres", &format!("COMMENT ON DATABASE shop_copy IS '{}'", marked.trim()));
    let assessment = judge(&cluster, "shop_copy").await;
    assert_eq!(assessment.verdict, Verdict::Unknown);
    let identity = assessment.identity.to_string();
    assert_eq!(assessment.name_to_type(Action::Dev), Some("shop_copy"));
    assert_eq!(allow(&assessment, Action::Dev, None).unwrap_err().kind, ErrorKind::Confirmation);
    assert_eq!(allow(&assessment, Action::Dev, Some("shop")).unwrap_err().kind, ErrorKind::Confirmation);
    assert_eq!(allow(&assessment, Action::Dev, Some("shop_copy")).unwrap_err().kind, ErrorKind::Confirmation);
    allow(&assessment, Action::Dev, Some(&identity)).unwrap();
    // marking it here replaces the foreign mark
    let mut connection = connect(&url(&cluster, "shop_copy")).await.unwrap();
    set_mark(&mut connection).await.unwrap();
    assert!(read_mark(&mut connection).await.unwrap().unwrap().matches_here);
    assert_eq!(comment(&cluster, "shop_copy").matches("safemigrate").count(), 1);
}

#[tokio::test]
async fn only_the_owner_marks_and_a_missing_database_has_no_mark() {
    let cluster = Cluster::start();
    cluster.create_db("shop");
    cluster.psql("postgres", &format!("CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'"));
    let guest = DatabaseUrl::parse(&cluster.url_as("guest", PASSWORD, "shop")).unwrap();
    let error = set_mark(&mut connect(&guest).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Server);
    assert!(error.message.contains("Only the owner of the database shop (postgres)"), "{error}");
    assert_eq!(comment(&cluster, "shop").trim(), "");
    assert_eq!(judge(&cluster, "not_there").await.verdict, Verdict::Development);
}
