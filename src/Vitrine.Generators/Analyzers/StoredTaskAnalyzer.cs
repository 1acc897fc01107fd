using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Vitrine.Generators.Analyzers;

/// <summary>
/// VT0002: a kernel task has a name. A KTask is pooled and must be awaited exactly once, at once; what is never
/// stored can't be awaited twice or forgotten. Only the task runtime itself may hold one.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class StoredTaskAnalyzer : DiagnosticAnalyzer
{
    private static readonly DiagnosticDescriptor Rule = new(
        "VT0002",
        "Stored kernel task",
        "'{0}' stores a kernel task: await or return it where it is started (a part of the task runtime says so with [KernelTaskRuntime])",
        "Vitrine.Tasks",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rule];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterSymbolAction(static c => Check(c, ((IFieldSymbol)c.Symbol).Type), SymbolKind.Field);
        context.RegisterSymbolAction(static c => Check(c, ((IPropertySymbol)c.Symbol).Type), SymbolKind.Property);
        context.RegisterSymbolAction(ExamineMethod, SymbolKind.Method);
        context.RegisterOperationAction(ExamineLocal, OperationKind.VariableDeclarator, OperationKind.DeclarationExpression, OperationKind.DeclarationPattern);
    }

    private static void ExamineMethod(SymbolAnalysisContext context)
    {
        foreach (IParameterSymbol parameter in ((IMethodSymbol)context.Symbol).Parameters)
            Check(context, parameter.Type, parameter);
    }

    private static void Check(SymbolAnalysisContext context, ITypeSymbol type, ISymbol? named = null)
    {
        ISymbol symbol = named ?? context.Symbol;
        if (!symbol.IsImplicitlyDeclared && KernelTypes.HoldsKernelTask(type) && !KernelTypes.IsTaskRuntime(context.Symbol))
            context.ReportDiagnostic(Diagnostic.Create(Rule, symbol.Locations[0], symbol.Name));
    }

    private static void ExamineLocal(OperationAnalysisContext context)
    {
        (ITypeSymbol? type, string name) = context.Operation switch
        {
            IVariableDeclaratorOperation declarator => (declarator.Symbol.Type, declarator.Symbol.Name),
            IDeclarationExpressionOperation expression => (expression.Type, expression.Syntax.ToString()),
            IDeclarationPatternOperation pattern => ((pattern.DeclaredSymbol as ILocalSymbol)?.Type, pattern.DeclaredSymbol?.Name ?? ""),
            _ => (null, ""),
        };
        if (KernelTypes.HoldsKernelTask(type) && !KernelTypes.IsTaskRuntime(context.ContainingSymbol))
            context.ReportDiagnostic(Diagnostic.Create(Rule, context.Operation.Syntax.GetLocation(), name));
    }
}
