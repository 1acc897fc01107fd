using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Vitrine.Generators.Analyzers;

/// <summary>VT0001: an expression statement drops a [MustUse] value or starts a kernel task without awaiting it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DroppedResultAnalyzer : DiagnosticAnalyzer
{
    private static readonly DiagnosticDescriptor Rule = new(
        "VT0001",
        "Dropped result",
        "The {0} is dropped: use it, await it, or assign it to '_' and say why",
        "Vitrine.Results",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rule];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Examine, OperationKind.ExpressionStatement);
    }

    private static void Examine(OperationAnalysisContext context)
    {
        IOperation value = ((IExpressionStatementOperation)context.Operation).Operation;
        switch (value)
        {
            // These have a type but drop nothing: the value was stored.
            case ISimpleAssignmentOperation { Target: IDiscardOperation } discard when KernelTypes.IsKernelTask(discard.Value.Type):
                context.ReportDiagnostic(Diagnostic.Create(Rule, value.Syntax.GetLocation(), "kernel task"));
                return;
            case IAssignmentOperation or IIncrementOrDecrementOperation:
                return;
        }

        if (KernelTypes.MustBeUsed(value.Type))
            context.ReportDiagnostic(Diagnostic.Create(Rule, value.Syntax.GetLocation(), value.Type!.Name));
    }
}
