using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace Vitrine.Generators.Syscalls;

/// <summary>Reads one [Syscall] method into a <see cref="SyscallModel"/>.</summary>
internal static class SyscallReader
{
    private const string StraceAttribute = "Vitrine.Kernel.Syscalls.StraceAttribute";

    public static SyscallModel Read(GeneratorAttributeSyntaxContext context, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var method = (IMethodSymbol)context.TargetSymbol;
        AttributeData attribute = context.Attributes[0];
        int number = (int)attribute.ConstructorArguments[0].Value!;
        string name = (string)attribute.ConstructorArguments[1].Value!;
        int support = (int)attribute.ConstructorArguments[2].Value!;
        string note = attribute.NamedArguments.FirstOrDefault(a => a.Key == "Note").Value.Value as string ?? "";

        string? error = null;
        bool isAsync = IsPending(method.ReturnType);
        if (!method.IsStatic || method.IsGenericMethod)
            error = "must be static and not generic";
        else if (method.DeclaredAccessibility == Accessibility.Private)
            error = "must not be private";
        else if (!isAsync && method.ReturnType.Name != "SyscallResult")
            error = "must return SyscallResult or KTask<SyscallResult>";
        else if (method.Parameters.Length is 0 or > 7 || method.Parameters[0].Type.Name != "Task")
            error = "must take the calling Task and at most six arguments";
        else if (number is < 0 or > 1023)
            error = "has a number out of range";

        var arguments = new List<ArgumentModel>();
        var constants = new List<ConstantSetModel>();
        for (int i = 1; error is null && i < method.Parameters.Length; i++)
        {
            IParameterSymbol parameter = method.Parameters[i];
            string? conversion = parameter.RefKind == RefKind.None ? Convert(parameter.Type, "a.A" + (i - 1)) : null;
            if (conversion is null)
            {
                error = $"has a parameter '{parameter.Name}' whose type can't be made from a register";
                break;
            }

            string format = FormatOf(parameter);
            arguments.Add(new ArgumentModel(parameter.Name, Describe(parameter.Type), Plain(format), conversion));
            if (parameter.Type.TypeKind == TypeKind.Enum)
                constants.Add(ReadConstants((INamedTypeSymbol)parameter.Type));
            if (format.Length > 0 && FindEnum(context.SemanticModel.Compilation, format) is { } named)
                constants.Add(ReadConstants(named));
        }

        return new SyscallModel(
            number,
            name,
            support,
            Plain(note),
            method.ContainingType.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat) + "." + method.Name,
            isAsync,
            new EquatableArray<ArgumentModel>([.. arguments]),
            new EquatableArray<ConstantSetModel>([.. constants]),
            ReadPlace(method),
            error);
    }

    private static bool IsPending(ITypeSymbol type) =>
        type is INamedTypeSymbol { Name: "KTask", Arity: 1 } task && task.TypeArguments[0].Name == "SyscallResult";

    private static string FormatOf(IParameterSymbol parameter) =>
        parameter.GetAttributes().FirstOrDefault(a => a.AttributeClass?.ToDisplayString() == StraceAttribute)
            ?.ConstructorArguments[0].Value as string ?? "";

    /// <summary>
    /// The expression that makes a <paramref name="type"/> out of a register: a cast for integers and enums; for a
    /// struct of the ABI its constructor of one parameter, recursively.
    /// </summary>
    private static string? Convert(ITypeSymbol type, string register)
    {
        switch (type.SpecialType)
        {
            case SpecialType.System_UInt64:
                return register;
            case SpecialType.System_Int64:
            case SpecialType.System_Int32:
            case SpecialType.System_UInt32:
            case SpecialType.System_Int16:
            case SpecialType.System_UInt16:
            case SpecialType.System_Byte:
            case SpecialType.System_SByte:
            case SpecialType.System_IntPtr:
            case SpecialType.System_UIntPtr:
                return $"unchecked(({Full(type)}){register})";
        }

        if (type is not INamedTypeSymbol named)
            return null;
        if (named.EnumUnderlyingType is { } underlying)
            return $"(({Full(named)}){Convert(underlying, register)})";
        if (!named.IsValueType)
            return null;
        foreach (IMethodSymbol constructor in named.InstanceConstructors)
        {
            if (constructor.Parameters.Length == 1
                && !SymbolEqualityComparer.Default.Equals(constructor.Parameters[0].Type, named)
                && Convert(constructor.Parameters[0].Type, register) is { } inner)
            {
                return $"new {Full(named)}({inner})";
            }
        }

        return null;
    }

    private static string Full(ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);

    private static string Describe(ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);

    private static INamedTypeSymbol? FindEnum(Compilation compilation, string name) =>
        compilation.GetTypeByMetadataName("Vitrine.Abi." + name) is { TypeKind: TypeKind.Enum } type ? type : null;

    private static ConstantSetModel ReadConstants(INamedTypeSymbol type)
    {
        bool flags = type.GetAttributes().Any(a => a.AttributeClass?.Name == "FlagsAttribute");
        var line = new StringBuilder(type.Name).Append('\t').Append(flags ? '1' : '0');
        foreach (IFieldSymbol field in type.GetMembers().OfType<IFieldSymbol>().Where(f => f.HasConstantValue))
        {
            ulong value = field.ConstantValue switch
            {
                int v => unchecked((uint)v),
                long v => unchecked((ulong)v),
                short v => unchecked((ushort)v),
                sbyte v => unchecked((byte)v),
                var v => System.Convert.ToUInt64(v, CultureInfo.InvariantCulture),
            };
            line.Append('\t').Append(field.Name).Append('=').Append(value.ToString(CultureInfo.InvariantCulture));
        }

        return new ConstantSetModel(type.Name, line.ToString());
    }

    private static PlaceModel ReadPlace(IMethodSymbol method)
    {
        Location location = method.Locations[0];
        FileLinePositionSpan span = location.GetLineSpan();
        return new PlaceModel(
            span.Path,
            location.SourceSpan.Start,
            location.SourceSpan.Length,
            span.StartLinePosition.Line,
            span.StartLinePosition.Character,
            span.EndLinePosition.Line,
            span.EndLinePosition.Character);
    }

    /// <summary>The text form's separators must not occur in what it carries.</summary>
    private static string Plain(string text) =>
        text.Replace('\t', ' ').Replace('\n', ' ').Replace('|', '/');
}
