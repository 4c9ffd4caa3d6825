//! `lint` and `hook`: real repositories, a real bare remote, real pushes.

mod hook {
    mod history;
    mod lint;
    mod managers;
    mod pushes;
    pub mod repository;
}
