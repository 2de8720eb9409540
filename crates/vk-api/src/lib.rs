//! The kubelet's HTTPS API of a virtual node: authentication, authorization, logs.
