//! The actions, one method each, named as the API names them.
//!
//! Every method is [`Client::call`](super::Client::call) with the types filled in. Those named `list_…` follow the pages of
//! the action above them to the end.

mod account;
mod caches;
mod groups;

/// Declares methods: `action: Request => Reply;` for one call, `list method: Request => Item;` for every page.
macro_rules! methods {
    () => {};
    (
        $(#[$meta:meta])*
        list $method:ident: $request:ty => $item:ty;
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        pub async fn $method(&self, filter: &$request) -> Result<Vec<$item>, Error> {
            self.list(filter).await
        }

        methods! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $method:ident: $request:ty => $reply:ty;
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        pub async fn $method(&self, request: &$request) -> Result<$reply, Error> {
            self.call(request).await
        }

        methods! { $($rest)* }
    };
}
use methods;
