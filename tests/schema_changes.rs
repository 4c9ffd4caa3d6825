//! `fixtures/schema-changes`: a schema changes, rows are lost, `safemigrate reinsert` brings them back. A test for each folder.

#[path = "schema_changes/case.rs"]
mod case;
#[path = "schema_changes/dump.rs"]
mod dump;
mod support;

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                case::play(stringify!($name));
            }
        )*

        #[test]
        fn every_folder_is_a_test() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema-changes");
            let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
            let folders = entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().into_string().unwrap());
            let mut folders: Vec<String> = folders.collect();
            folders.sort();
            let mut listed = vec![$(stringify!($name)),*];
            listed.sort_unstable();
            assert_eq!(folders, listed);
        }
    };
}

cases! {
    array_to_jsonb
    bigint_to_integer_rejects_saved
    bigint_to_integer_too_big
    boolean_to_integer
    case_only_renames
    cast_by_expression
    char_n
    check_constraint_added
    column_renamed
    column_renamed_without_map
    columns_swapped
    domain_with_check
    enum_renamed
    enum_to_text_and_back
    enum_value_removed
    enum_value_removed_mapped
    float_overflow
    float_to_integer
    id_integer_to_text
    integer_to_bigint
    integer_to_text
    json_to_jsonb_and_text
    key_column_new
    key_column_replaced
    key_extended
    map_value_is_no_value
    model_split_in_two
    name_that_is_nowhere
    numeric_narrower
    optional_to_required
    optional_to_required_filled
    required_column_empty_value
    required_column_fill
    required_column_with_default
    required_foreign_key_refused
    required_identity_and_serial
    required_unique_refused
    scalar_to_array
    table_and_column_renamed
    table_gone
    table_moved_to_another_schema
    table_renamed
    tables_swapped
    text_to_integer
    text_to_integer_bad_row
    text_to_integer_map_value
    text_to_uuid
    timestamps_are_utc
    two_models_merged
    two_models_merged_colliding
    values_swapped
    varchar_shorter
    varchar_shorter_saved
}
