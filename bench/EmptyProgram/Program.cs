// What any .NET program costs to start: the mark that `vitrine do` is measured against.
return 0;
