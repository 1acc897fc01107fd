using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Vitrine.Generators.Analyzers;

/// <summary>
/// VT0004: code of the machine reaches for the host's time, chance, threads or files (<see cref="BannedApi"/>).
/// A type or method that faces the host on purpose carries [HostBoundary] with its reason.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BannedApiAnalyzer : DiagnosticAnalyzer
{
    private static readonly DiagnosticDescriptor Rule = new(
        "VT0004",
        "Banned in the machine",
        "'{0}' is banned here: {1}",
        "Vitrine.Determinism",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rule];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            if (!KernelTypes.IsMachineAssembly(start.Compilation.Assembly))
                return;
            start.RegisterOperationAction(
                Examine,
                OperationKind.Invocation,
                OperationKind.ObjectCreation,
                OperationKind.PropertyReference,
                OperationKind.MethodReference,
                OperationKind.FieldReference);
        });
    }

    private static void Examine(OperationAnalysisContext context)
    {
        ISymbol? member = context.Operation switch
        {
            IInvocationOperation invocation => invocation.TargetMethod,
            IObjectCreationOperation creation => creation.Constructor,
            IMemberReferenceOperation reference => reference.Member,
            _ => null,
        };
        if (BannedApi.ReasonFor(member) is { } reason && !KernelTypes.IsWithin(context.ContainingSymbol, "HostBoundaryAttribute"))
        {
            context.ReportDiagnostic(Diagnostic.Create(
                Rule,
                context.Operation.Syntax.GetLocation(),
                member!.ContainingType.Name + "." + member.Name,
                reason));
        }
    }
}
