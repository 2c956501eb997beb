//! The names of types: each has a directory, so that no two types share one.

use actor_core::SystemError;
use actor_core::prelude::*;

use crate::support::directory;

#[derive(Actor)]
#[actor(name = "shelf")]
struct Shelf<T: Send + 'static> {
    #[vars]
    things: Vec<T>,
}

#[actor]
impl<T: Send + 'static> Shelf<T> {
    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<usize> {
        Ok(self.things.len())
    }
}

#[tokio::test(start_paused = true)]
async fn two_instances_of_a_generic_actor_are_named_in_the_error() {
    let directory = directory();
    let error = System::builder()
        .data_dir(directory.path())
        .register::<Shelf<u8>>()
        .register::<Shelf<u16>>()
        .start()
        .await
        .unwrap_err();
    assert_eq!((error.group(), error.code()), ("system", "duplicate_name"));
    assert!(matches!(
        error,
        SystemError::DuplicateName { actor: "shelf", .. }
    ));
    let text = error.to_string();
    for name in ["Shelf<u8>`", "Shelf<u16>`"] {
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_instance_may_be_registered_twice() {
    let directory = directory();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Shelf<u8>>()
        .register::<Shelf<u8>>()
        .start()
        .await
        .unwrap();
    assert_eq!(
        system
            .get_or_create::<Shelf<u8>>("a", ())
            .count()
            .await
            .unwrap(),
        0
    );
    system.shutdown().await.unwrap();
}
