using System.Linq;
using Microsoft.CodeAnalysis;

namespace Vitrine.Generators.Analyzers;

/// <summary>Recognises the kernel's types and the scopes of the rules, by name: the analyzers know no assembly.</summary>
internal static class KernelTypes
{
    /// <summary>The projects that run inside the machine: no host time, threads, chance or paths.</summary>
    public static bool IsMachineAssembly(IAssemblySymbol assembly) =>
        assembly.Name is "Vitrine.Kernel" or "Vitrine.Hardware" or "Vitrine.Cpu"
        || assembly.Name.StartsWith("Vitrine.Fs.", System.StringComparison.Ordinal);

    public static bool IsOurs(IAssemblySymbol? assembly) =>
        assembly is not null
        && (assembly.Name == "Vitrine" || assembly.Name.StartsWith("Vitrine.", System.StringComparison.Ordinal));

    /// <summary>KTask or KTask&lt;T&gt;.</summary>
    public static bool IsKernelTask(ITypeSymbol? type) =>
        type is INamedTypeSymbol { Name: "KTask", IsValueType: true } or INamedTypeSymbol { Name: "KTask", TypeKind: TypeKind.Class }
        && IsOurs(type.ContainingAssembly);

    /// <summary>A kernel task or something that holds one: an array, a tuple, a collection. A delegate that returns one doesn't.</summary>
    public static bool HoldsKernelTask(ITypeSymbol? type) => type switch
    {
        null => false,
        IArrayTypeSymbol array => HoldsKernelTask(array.ElementType),
        INamedTypeSymbol { TypeKind: TypeKind.Delegate } => false,
        INamedTypeSymbol named => IsKernelTask(named) || named.TypeArguments.Any(HoldsKernelTask),
        _ => false,
    };

    public static bool MustBeUsed(ITypeSymbol? type)
    {
        if (type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable)
            type = nullable.TypeArguments[0];
        return type is not null && (IsKernelTask(type) || HasAttribute(type.OriginalDefinition, "MustUseAttribute"));
    }

    public static bool HasAttribute(ISymbol symbol, string name)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass?.Name == name)
                return true;
        }

        return false;
    }

    /// <summary>True if the symbol or one that encloses it carries the attribute.</summary>
    public static bool IsWithin(ISymbol? symbol, string attribute)
    {
        for (; symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
        {
            if (HasAttribute(symbol, attribute))
                return true;
            if (symbol is IMethodSymbol { AssociatedSymbol: { } property } && HasAttribute(property, attribute))
                return true;
        }

        return false;
    }

    /// <summary>The runtime of KTask: its own types, whatever stands beside them by attribute.</summary>
    public static bool IsTaskRuntime(ISymbol? symbol)
    {
        for (ISymbol? s = symbol; s is not null and not INamespaceSymbol; s = s.ContainingSymbol)
        {
            if (s is INamedTypeSymbol type && type.Name.StartsWith("KTask", System.StringComparison.Ordinal))
                return true;
        }

        return IsWithin(symbol, "KernelTaskRuntimeAttribute");
    }
}
