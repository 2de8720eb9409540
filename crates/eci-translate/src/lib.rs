//! Translates a Pod into a CreateContainerGroup request, and a container group into what a node reports.
