using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Vitrine.Generators.Syscalls;

/// <summary>
/// Makes <c>Vitrine.Kernel.Syscalls.SyscallTable</c> from the methods that carry [Syscall]: the dispatch and the
/// description that strace and the coverage page read. A number declared twice or a signature that can't be called
/// from registers is an error at the declaration.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class SyscallGenerator : IIncrementalGenerator
{
    private const string Attribute = "Vitrine.Kernel.Syscalls.SyscallAttribute";

    private static readonly DiagnosticDescriptor Duplicate = new(
        "VT1001",
        "System call declared twice",
        "System call {0} ({1}) is also declared by {2}",
        "Vitrine.Syscalls",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    private static readonly DiagnosticDescriptor Signature = new(
        "VT1002",
        "Wrong signature of a system call",
        "The handler of {0} {1}",
        "Vitrine.Syscalls",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValueProvider<ImmutableArray<SyscallModel>> calls = context.SyntaxProvider
            .ForAttributeWithMetadataName(Attribute, static (_, _) => true, SyscallReader.Read)
            .Collect();
        IncrementalValueProvider<TableTypes?> types = context.CompilationProvider.Select(static (c, _) => TableTypes.Find(c));
        context.RegisterSourceOutput(calls.Combine(types), static (output, pair) => Produce(output, pair.Left, pair.Right));
    }

    private static void Produce(SourceProductionContext output, ImmutableArray<SyscallModel> calls, TableTypes? types)
    {
        var accepted = new SortedDictionary<int, SyscallModel>();
        foreach (SyscallModel call in calls)
        {
            if (call.Error is not null)
                output.ReportDiagnostic(Diagnostic.Create(Signature, Place(call), call.Name, call.Error));
            else if (accepted.TryGetValue(call.Number, out SyscallModel? first))
                output.ReportDiagnostic(Diagnostic.Create(Duplicate, Place(call), call.Number, call.Name, first.Handler));
            else
                accepted.Add(call.Number, call);
        }

        if (types is not null)
            output.AddSource("SyscallTable.g.cs", SyscallTableWriter.Write([.. accepted.Values], types));
    }

    private static Location Place(SyscallModel call) => Location.Create(
        call.Place.File,
        new TextSpan(call.Place.Start, call.Place.Length),
        new LinePositionSpan(
            new LinePosition(call.Place.Line, call.Place.Column),
            new LinePosition(call.Place.EndLine, call.Place.EndColumn)));
}

/// <summary>The full names of the types that the table's signature mentions; none before the kernel declares them.</summary>
internal sealed record TableTypes(string Task, string Pending)
{
    public static TableTypes? Find(Compilation compilation)
    {
        if (compilation.AssemblyName != "Vitrine.Kernel")
            return null;
        string? task = Find(compilation, "Task", 0);
        string? pending = Find(compilation, "KTask", 1);
        return task is null || pending is null ? null : new TableTypes(task, pending);
    }

    private static string? Find(Compilation compilation, string name, int arity) => compilation
        .GetSymbolsWithName(name, SymbolFilter.Type)
        .OfType<INamedTypeSymbol>()
        .Where(t => t.Arity == arity && t.ContainingType is null)
        .Select(t => t.ContainingNamespace.ToDisplayString() + "." + t.Name)
        .FirstOrDefault();
}
