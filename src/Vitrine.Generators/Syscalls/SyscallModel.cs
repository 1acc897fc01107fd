namespace Vitrine.Generators.Syscalls;

/// <summary>An argument: how the table describes it and the expression that narrows its register.</summary>
internal sealed record ArgumentModel(string Name, string Type, string Format, string Conversion);

/// <summary>An enum that strace prints: a line of the constants' text.</summary>
internal sealed record ConstantSetModel(string Name, string Line);

/// <summary>Where a declaration stands, for diagnostics, in a form that compares by value.</summary>
internal sealed record PlaceModel(string File, int Start, int Length, int Line, int Column, int EndLine, int EndColumn);

/// <summary>A declared system call, or the reason why its declaration is wrong.</summary>
internal sealed record SyscallModel(
    int Number,
    string Name,
    int Support,
    string Note,
    string Handler,
    bool IsAsync,
    EquatableArray<ArgumentModel> Arguments,
    EquatableArray<ConstantSetModel> Constants,
    PlaceModel Place,
    string? Error)
{
    public const int Missing = 0;
}
